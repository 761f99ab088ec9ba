// A GET that answers with `items` is a list: it takes pageSize (at most 200) and cursor, and links to the next page.
import { isJson, parametersOf } from "./operation.js";

const LARGEST_PAGE = 200;

export default function listParameters(operation, _options, context) {
  const answer = operation.responses?.["200"];
  const isList = Object.entries(answer?.content ?? {}).some(
    ([mediaType, media]) => isJson(mediaType) && media.schema?.properties?.items?.type === "array",
  );
  if (!isList) return [];

  const faults = [];
  const named = (name) => parametersOf(operation, context).find((p) => p?.in === "query" && p.name === name);
  const largest = named("pageSize")?.schema?.maximum;
  if (largest === undefined || largest > LARGEST_PAGE) {
    faults.push({ message: `a list takes pageSize with a maximum of at most ${LARGEST_PAGE}` });
  }
  if (!named("cursor")) faults.push({ message: "a list takes cursor" });
  const headers = Object.keys(answer.headers ?? {}).map((name) => name.toLowerCase());
  if (!headers.includes("link")) faults.push({ message: "a list answers with the header Link" });
  return faults;
}
