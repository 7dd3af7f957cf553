// The demo's services, read from its protocol at run time.
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { readdirSync } from "node:fs";

/** The service of that full name, as grpc-js wants it. */
export function service(folder, name) {
  const files = readdirSync(folder).filter((file) => file.endsWith(".proto"));
  const definition = loadSync(files, { includeDirs: [folder], keepCase: true, longs: Number, enums: String, defaults: true });
  return grpc.loadPackageDefinition(
    Object.fromEntries(Object.entries(definition).filter(([key]) => key === name)),
  );
}

/** A service's client class. */
export function client(folder, name) {
  return name.split(".").reduce((at, part) => at[part], service(folder, name));
}
