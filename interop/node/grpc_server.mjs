// grpc-js as a server: a service whose handlers take as long as the request asks for, and that tells what each call saw.
import grpc from "@grpc/grpc-js";
import { client } from "./grpc_services.mjs";
import { obey, tell } from "./lines.mjs";

const [folder, name, busyField] = process.argv.slice(2);
const { service } = client(folder, name);
let calls = 0;

function handler({ path, requestStream, responseStream }) {
  return (call, answer) => {
    const number = ++calls;
    const began = performance.now();
    const seen = (event, more) => tell({ event, call: number, path, ms: performance.now() - began, ...more });
    const deadline = call.getDeadline();
    const left = deadline === Infinity ? null : deadline - Date.now();
    let over = false;
    const busy = requestStream ? 0 : Number(call.request[busyField] ?? 0);
    seen("began", { left, metadata: call.metadata.getMap(), request: requestStream ? null : call.request });
    // grpc-js tells of a cancellation also after a call that ended well: that one is none.
    call.on("cancelled", () => {
      if (!over) seen("cancelled");
      over = true;
      clearTimeout(timer);
    });
    let timer;
    const finish = () => {
      if (over) return;
      over = true;
      seen("finished");
      if (responseStream) call.end();
      else answer(null, {});
    };
    if (requestStream) {
      let messages = 0;
      call.on("data", () => seen("message", { messages: ++messages }));
      call.on("end", () => {
        seen("half-closed", { messages });
        finish();
      });
      call.on("error", (error) => seen("error", { text: String(error) }));
    } else {
      timer = setTimeout(finish, busy);
    }
  };
}

const server = new grpc.Server();
server.addService(service, Object.fromEntries(Object.entries(service).map(([key, method]) => [key, handler(method)])));
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  tell({ address: `127.0.0.1:${port}` });
});
obey(async () => ({ calls }));
