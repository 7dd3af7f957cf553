// connect-node as a client, over the gRPC protocol or its own: makes the calls that the harness asks for.
import { createFileRegistry, fromBinary, fromJson, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { readFileSync } from "node:fs";
import { obey, tell } from "./lines.mjs";

const [descriptors] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));
const transports = new Map();

function transport(address, protocol) {
  const key = `${address} ${protocol}`;
  if (!transports.has(key)) {
    const options = { baseUrl: `http://${address}`, httpVersion: "2" };
    transports.set(key, protocol === "connect" ? createConnectTransport(options) : createGrpcTransport(options));
  }
  return transports.get(key);
}

obey(async ({ address, protocol, service, method, request, requests, timeout_ms, cancel_ms, metadata }) => {
  const described = registry.getService(service);
  const { localName, methodKind, input, output } = described.methods.find(({ name }) => name === method);
  const client = createClient(described, transport(address, protocol));
  const abort = new AbortController();
  if (cancel_ms != null) setTimeout(() => abort.abort(), cancel_ms);
  const options = { signal: abort.signal, headers: metadata ?? {} };
  if (timeout_ms != null) options.timeoutMs = timeout_ms;
  const got = [];
  async function* held() {
    for (const one of requests) yield fromJson(input, one);
    // Never the half-close when the call is to be cut.
    if (cancel_ms != null || timeout_ms != null) await new Promise(() => {});
  }
  try {
    if (methodKind === "server_streaming") {
      for await (const one of client[localName](fromJson(input, request), options)) got.push(toJson(output, one));
      return { code: 0, got };
    }
    const response = await client[localName](methodKind === "client_streaming" ? held() : fromJson(input, request), options);
    return { code: 0, response: toJson(output, response), got };
  } catch (error) {
    const known = ConnectError.from(error);
    return { code: known.code, details: known.rawMessage, name: Code[known.code], got };
  }
});
tell({ ready: true });
