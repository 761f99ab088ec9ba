// PATCH and DELETE of one record demand If-Match; a POST that creates takes Idempotency-Key.
import { hasParameter, isOneRecord, isSecured, methodOf, parametersOf, pathOf } from "./operation.js";

export default function requestHeaders(operation, _options, context) {
  const path = pathOf(context);
  const method = methodOf(context);
  const faults = [];
  if (["patch", "delete"].includes(method) && isOneRecord(path)) {
    if (!hasParameter(operation, context, "header", "If-Match")) faults.push({ message: `${method} takes If-Match` });
  }
  const asks = /\/_(search|duplicates)$/.test(path);
  if (method === "post" && isSecured(operation) && !asks) {
    if (!hasParameter(operation, context, "header", "Idempotency-Key")) {
      faults.push({ message: "post takes Idempotency-Key" });
    }
  }
  for (const parameter of parametersOf(operation, context)) {
    // OpenAPI: a parameter so named is ignored; it belongs to the media types and the security.
    if (parameter?.in === "header" && /^(accept|content-type|authorization)$/i.test(parameter.name)) {
      faults.push({ message: `${parameter.name} is no parameter` });
    }
  }
  return faults;
}
