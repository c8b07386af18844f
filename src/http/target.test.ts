import { expect, test } from "bun:test";
import { targetOf } from "./target.ts";

test.each([
  ["http://host/v2/", "", "/v2/", ""],
  ["http://host/v2/a/tags/list?n=1&last=b%2Fc", "", "/v2/a/tags/list", "n=1&last=b%2Fc"],
  ["/v2/%2e%2e/tags/list", "", "/v2/%2e%2e/tags/list", ""],
  ["/v2/?", "", "/v2/", ""],
  ["http://host/v2/?a?b", "", "/v2/", "a%3Fb="],
  ["http://host/registry/v2/", "/registry", "/v2/", ""],
  ["http://host/registry/v2/_catalog?n=1", "/registry", "/v2/_catalog", "n=1"],
  ["http://host/livez", "/registry", "/livez", ""],
  ["http://host/v2/", "/registry", "///v2/", ""],
  ["http://host/api/v1/check", "/registry", "///api/v1/check", ""],
  ["http://host/registryv2/", "/registry", "/registryv2/", ""],
])("%s, behind %p, is for %p with %p", (url, prefix, path, query) => {
  const target = targetOf(url, prefix);

  expect([target.path, target.query.toString()]).toEqual([path, query]);
});
