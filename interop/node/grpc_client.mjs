// grpc-js as a client: makes the calls that the harness asks for, and tells what it got.
import grpc from "@grpc/grpc-js";
import { client } from "./grpc_services.mjs";
import { obey, tell } from "./lines.mjs";

const [folder] = process.argv.slice(2);
const clients = new Map();

function connection(address, name) {
  const key = `${address} ${name}`;
  if (!clients.has(key)) clients.set(key, new (client(folder, name))(address, grpc.credentials.createInsecure()));
  return clients.get(key);
}

obey(({ address, service, method, request, requests, hold_ms, timeout_ms, cancel_ms, metadata }) => {
  const made = connection(address, service);
  const { requestStream, responseStream } = made[method];
  const sent = new grpc.Metadata();
  for (const [key, value] of Object.entries(metadata ?? {})) sent.set(key, value);
  const options = timeout_ms == null ? {} : { deadline: Date.now() + timeout_ms };
  return new Promise((resolve) => {
    const got = [];
    let initial = {};
    const finish = (error, response) =>
      resolve({
        code: error?.code ?? 0,
        details: error?.details,
        trailers: error?.metadata?.getMap(),
        initial,
        response,
        got,
      });
    let call;
    if (requestStream) {
      call = made[method](sent, options, finish);
      for (const one of requests) call.write(one);
      // Never the half-close when the call is to be cut.
      if (hold_ms != null) setTimeout(() => call.end(), hold_ms);
      else if (cancel_ms == null && timeout_ms == null) call.end();
    } else if (responseStream) {
      call = made[method](request, sent, options);
      call.on("data", (one) => got.push(one)).on("error", finish).on("end", () => finish(null));
    } else {
      call = made[method](request, sent, options, finish);
    }
    call.on("metadata", (map) => (initial = map.getMap()));
    if (cancel_ms != null) setTimeout(() => call.cancel(), cancel_ms);
  });
});
tell({ ready: true });
