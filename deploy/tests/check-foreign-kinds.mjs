// Reads a JSON array of objects from standard input and checks them against the schemas of their kinds; prints one line
// for each problem and exits 1 if there is any. Fields that a schema does not know are not noticed by these validators.
import { readFileSync } from "node:fs";
import { Gateway, HTTPRoute } from "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1";
import { BackendConfig } from "@kubernetes-models/gke/cloud.google.com/v1";
import { ServiceExport } from "@kubernetes-models/gke/net.gke.io/v1";
import { GCPBackendPolicy, HealthCheckPolicy } from "@kubernetes-models/gke/networking.gke.io/v1";

const kinds = { Gateway, HTTPRoute, BackendConfig, ServiceExport, GCPBackendPolicy, HealthCheckPolicy };

for (const object of JSON.parse(readFileSync(0, "utf8"))) {
  const Kind = kinds[object.kind];
  try {
    if (!Kind) throw new Error("no schema");
    const model = new Kind(object);
    if (model.apiVersion !== object.apiVersion) throw new Error(`apiVersion is not ${model.apiVersion}`);
    model.validate();
  } catch (error) {
    console.log(`${object.kind} ${object.metadata.name}: ${error.message.replaceAll("\n", " ")}`);
    process.exitCode = 1;
  }
}
