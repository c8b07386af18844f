import { image, index } from "../../support/image.ts";
import type { Fixture } from "../../support/image.ts";
import { imageOf, layer, referrer } from "../support/documents.ts";
import { type Hazard, live } from "../support/scene.ts";

/** What says something of another manifest, and by which tags old clients find it. */
export const REFERRERS: readonly Hazard[] = [
  {
    name: "referrers of a live image stay, and their referrers",
    async build(scene) {
      const app = image();
      const bill = referrer(app.descriptor);
      const signature = referrer(bill.descriptor);
      await scene.put("app", app, "v1");
      await scene.put("app", bill);
      await scene.put("app", signature);
      await scene.age();
      return { live: [live("app", app, "v1"), live("app", bill), live("app", signature)] };
    },
  },
  {
    name: "a long chain of referrers stays, and another one goes",
    async build(scene) {
      const [kept, gone] = [image(), image()];
      const chain = (first: Fixture): Fixture[] => {
        const links: Fixture[] = [];
        for (let depth = 0; depth < 30; depth++) {
          links.push(referrer((links.at(-1) ?? first).descriptor));
        }
        return links;
      };
      const [long, dead] = [chain(kept), chain(gone)];
      await scene.put("app", kept, "v1");
      await scene.put("app", gone);
      for (const one of [...long, ...dead]) await scene.put("app", one);
      await scene.age();
      return { live: [live("app", kept, "v1"), ...long.map((one) => live("app", one))] };
    },
  },
  {
    name: "referrers of an untagged image go with it",
    async build(scene) {
      const app = image();
      await scene.put("app", app, "v1");
      await scene.put("app", referrer(app.descriptor));
      await scene.put("app", referrer(referrer(app.descriptor).descriptor));
      await scene.untag("app", "v1");
      await scene.age();
      return { live: [] };
    },
  },
  {
    name: "referrers of a child of a live index stay",
    async build(scene) {
      const child = image();
      const both = index([child, image()]);
      const signature = referrer(child.descriptor);
      await scene.put("app", both, "v1");
      await scene.put("app", signature);
      await scene.age();
      return { live: [live("app", both, "v1"), live("app", signature)] };
    },
  },
  {
    name: "a referrer that is an index keeps its children as long as its subject lives",
    async build(scene) {
      const [kept, gone] = [image(), image()];
      const of = (subject: Fixture): Fixture =>
        index([image(), image()], {
          subject: subject.descriptor,
          artifactType: "application/x-set",
        });
      const [set, dead] = [of(kept), of(gone)];
      await scene.put("app", kept, "v1");
      await scene.put("app", gone);
      await scene.put("app", set);
      await scene.put("app", dead);
      await scene.age();
      return { live: [live("app", kept, "v1"), live("app", set)] };
    },
  },
  {
    name: "a referrer whose subject was never there goes, and one that a tag names stays",
    async build(scene) {
      const absent = image().descriptor;
      const tagged = referrer(absent);
      await scene.put("app", referrer(absent));
      await scene.put("app", tagged, "mine");
      await scene.age();
      return { live: [live("app", tagged, "mine")] };
    },
  },
  {
    name: "a subject is not kept by its referrer, also by one that a tag names",
    async build(scene) {
      const app = image();
      const signature = referrer(app.descriptor);
      await scene.put("app", app);
      await scene.put("app", signature, "signature");
      await scene.age();
      return { live: [live("app", signature, "signature")] };
    },
  },
  {
    name: "the subject of another repository keeps nothing here",
    async build(scene) {
      const app = image();
      await scene.put("a", app, "v1");
      await scene.put("b", referrer(app.descriptor));
      await scene.age();
      return { live: [live("a", app, "v1")] };
    },
  },
  {
    name: "tags of cosign and fallback tags keep what they name",
    async build(scene) {
      const app = image();
      const hex = app.digest.slice("sha256:".length);
      const signature = imageOf({ layers: [layer(60)] });
      const list = referrer(app.descriptor);
      const fallback = index([list]);
      await scene.put("app", app, "v1");
      await scene.put("app", signature, `sha256-${hex}.sig`);
      await scene.put("app", fallback, `sha256-${hex}`);
      await scene.put("app", imageOf({ layers: [layer(60)] }));
      await scene.age();
      return {
        live: [
          live("app", app, "v1"),
          live("app", signature, `sha256-${hex}.sig`),
          live("app", fallback, `sha256-${hex}`),
        ],
      };
    },
  },
];
