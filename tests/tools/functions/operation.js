// Small questions about an operation, shared by the rules. `context.path` is [paths, <path>, <method>, …].

export const pathOf = (context) => String(context.path[1]);

export const methodOf = (context) => String(context.path[2]);

// A path item may hold parameters for all its operations.
export function parametersOf(operation, context) {
  const item = context.document.data?.paths?.[pathOf(context)] ?? {};
  const shared = context.documentInventory.resolved?.paths?.[pathOf(context)]?.parameters ?? item.parameters ?? [];
  return [...shared, ...(operation.parameters ?? [])];
}

export function hasParameter(operation, context, place, name) {
  return parametersOf(operation, context).some(
    (parameter) => parameter?.in === place && String(parameter.name).toLowerCase() === name.toLowerCase(),
  );
}

// Public operations have no `security`, or an empty one.
export const isSecured = (operation) => Array.isArray(operation.security) && operation.security.length > 0;

// `/customers/{customerId}` is one record; `/customers` and `/customers/_search` are not.
export const isOneRecord = (path) => path.endsWith("}");

export function isJson(mediaType) {
  return /^application\/(.+\+)?json$/.test(mediaType) && mediaType !== "application/problem+json";
}
