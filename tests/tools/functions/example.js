// Every JSON body, asked or answered, must show an example: at the media type, at its schema, or at each property.
import { isJson } from "./operation.js";

const DEEPEST = 8;

export default function example(operation) {
  const bodies = [["the request", operation.requestBody]];
  for (const [status, response] of Object.entries(operation.responses ?? {})) {
    if (status.startsWith("2")) bodies.push([`the answer ${status}`, response]);
  }
  const faults = [];
  for (const [name, body] of bodies) {
    for (const [mediaType, media] of Object.entries(body?.content ?? {})) {
      if (isJson(mediaType) && !isShown(media)) faults.push({ message: `${name} (${mediaType}) has no example` });
    }
  }
  return faults;
}

function isShown(media) {
  return media.example !== undefined || Object.keys(media.examples ?? {}).length > 0 || schemaShows(media.schema, 0);
}

function schemaShows(schema, depth) {
  if (!schema || depth > DEEPEST) return false;
  if (schema.example !== undefined || schema.enum !== undefined || schema.default !== undefined) return true;
  const parts = [...(schema.allOf ?? []), ...(schema.oneOf ?? []), ...(schema.anyOf ?? [])];
  if (parts.some((part) => schemaShows(part, depth + 1))) return true;
  if (schema.type === "array") return schemaShows(schema.items, depth + 1);
  const properties = Object.values(schema.properties ?? {});
  return properties.length > 0 && properties.every((property) => schemaShows(property, depth + 1));
}
