import { digestOf } from "../../../src/oci/digest.ts";
import { image, index } from "../../support/image.ts";
import { randomBytes } from "../../support/oci.ts";
import { age, backOf, collect, goneOf, purge, restoreAll } from "./gc-ops.ts";
import {
  follow,
  mount,
  pushBytes,
  pushImage,
  put,
  remove,
  restart,
  together,
  unlink,
  untag,
} from "./ops.ts";
import type { Scenario } from "./scenarios.ts";
import type { Effects } from "./world.ts";

const LARGE = 20_000;
const SMALL = 700;

/** Courses of events in which garbage is collected, brought back or freed. */
export function collections(): Scenario[] {
  const dead = image({ layers: 1, size: LARGE });
  const live = image({ layers: 1, size: LARGE });
  const both = index([image({ layers: 1, size: SMALL }), image({ layers: 1, size: SMALL })]);
  const layer = randomBytes(LARGE);
  const small = randomBytes(SMALL);
  const [large] = dead.blobs.filter(({ bytes }) => bytes.length === LARGE);
  if (!large) throw new Error("one of them is large");
  /** An image that nobody needs any more, and that was in the tree. */
  const garbage = [...pushImage("a", dead, "v1"), follow, untag("a", "v1"), age];
  const collected = [...garbage, collect(...goneOf("a", dead))];
  const gone = (bytes: Uint8Array, repository: string): Effects => [
    [`blob ${repository} ${digestOf(bytes)}`, null],
  ];
  const list: Omit<Scenario, "collects">[] = [
    {
      name: "a collection",
      given: [...pushImage("a", live, "v2"), ...garbage],
      ops: [collect(...goneOf("a", dead)), follow],
    },
    {
      name: "a collection of an index",
      given: [...pushImage("a", both, "v1"), follow, remove("a", both, "v1"), age],
      ops: [collect(...both.children.flatMap((child) => goneOf("a", child))), follow],
    },
    {
      name: "a collection of layers that no manifest names",
      given: [pushBytes("a", layer), pushBytes("a", small), follow, age],
      ops: [collect(gone(layer, "a"), gone(small, "a")), restart],
    },
    {
      name: "a collection before the tree has followed",
      given: [...pushImage("a", dead, "v1"), untag("a", "v1"), pushBytes("a", small), age],
      ops: [collect(...goneOf("a", dead), gone(small, "a")), follow],
    },
    {
      name: "a push of a blob while it is collected",
      given: garbage,
      ops: [together(collect(...goneOf("a", dead)), pushBytes("b", large.bytes)), follow],
    },
    {
      name: "a push of a manifest while its bytes are collected",
      given: [...garbage, ...dead.blobs.map(({ bytes }) => pushBytes("b", bytes)), follow],
      ops: [together(collect(...goneOf("a", dead)), put("b", dead, "v1")), follow],
    },
    {
      name: "a mount from a repository that is collected, when it comes first",
      given: garbage,
      ops: [
        pushBytes("c", layer),
        mount("a", "b", large.bytes),
        collect(...goneOf("a", dead)),
        follow,
      ],
    },
    {
      name: "an image that is collected, pushed again and collected again",
      given: collected,
      ops: [
        ...pushImage("a", dead, "v1"),
        follow,
        untag("a", "v1"),
        age,
        collect(...goneOf("a", dead)),
      ],
    },
    {
      name: "a small blob that is pushed and deleted while others are collected",
      given: garbage,
      ops: [
        together(collect(...goneOf("a", dead)), pushBytes("b", small)),
        unlink("b", small),
        together(collect(), follow),
      ],
    },
    {
      name: "a restore",
      given: collected,
      ops: [restoreAll(...backOf("a", dead, "v1")), follow],
    },
    {
      name: "a restore while one of its blobs is pushed",
      given: collected,
      ops: [together(restoreAll(...backOf("a", dead, "v1")), pushBytes("b", large.bytes)), follow],
    },
    {
      name: "a restore of what a collection left out",
      given: [...pushImage("b", dead, "v1"), ...collected],
      ops: [restoreAll(...backOf("a", dead, "v1")), follow],
    },
    { name: "emptying the trash", given: collected, ops: [purge, restart] },
    {
      name: "a push while the trash is emptied",
      given: collected,
      ops: [together(purge, pushBytes("b", large.bytes)), follow],
    },
    {
      name: "a crash in the middle of a push, and the next collection",
      given: [],
      ops: [pushBytes("a", layer), age, collect(gone(layer, "a"))],
    },
  ];
  return list.map((scenario) => ({ ...scenario, collects: true }));
}
