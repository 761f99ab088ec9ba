// Which problem answers an operation must name, read off what it takes.
import { hasParameter, isSecured, pathOf } from "./operation.js";

export default function answers(operation, _options, context) {
  const wanted = [];
  const want = (condition, reason, ...statuses) => {
    if (condition) statuses.forEach((status) => wanted.push([status, reason]));
  };
  want(isSecured(operation), "it wants a sign-in", "401", "403", "429");
  want(pathOf(context).includes("{"), "its path holds an id", "404");
  want(operation.requestBody !== undefined, "it takes a body", "400", "413", "415");
  want(hasParameter(operation, context, "header", "If-Match"), "it takes If-Match", "412", "428");
  want(hasParameter(operation, context, "header", "Idempotency-Key"), "it takes Idempotency-Key", "409", "422");

  const given = Object.keys(operation.responses ?? {}).map(String);
  return wanted
    .filter(([status]) => !given.includes(status))
    .map(([status, reason]) => ({ message: `the answer ${status} is missing: ${reason}` }));
}
