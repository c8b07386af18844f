import { image, index } from "../../support/image.ts";
import { layer, referrer } from "../support/documents.ts";
import { type Hazard, live } from "../support/scene.ts";

/** What nobody needs, and what is too young for that to be said; and names that lie close together. */
export const AGES: readonly Hazard[] = [
  {
    name: "a fresh manifest without a tag stays, with all that it needs",
    async build(scene) {
      const [old, base] = [image(), layer()];
      await scene.put("app", old);
      await scene.layer("app", base);
      await scene.age();
      const fresh = index([image(), image()]);
      await scene.put("app", fresh);
      return { live: [live("app", fresh)] };
    },
  },
  {
    name: "a fresh manifest keeps old layers that nothing else needs",
    async build(scene) {
      const app = image({ layers: 3 });
      for (const blob of app.blobs) await scene.layer("app", blob);
      await scene.layer("app", layer());
      await scene.age();
      await scene.putBare("app", app);
      return { live: [live("app", app)] };
    },
  },
  {
    name: "a fresh layer stays, although nothing names it yet",
    async build(scene) {
      const app = image({ layers: 2 });
      await scene.layer("app", layer());
      await scene.age();
      for (const blob of app.blobs) await scene.layer("app", blob);
      return { live: [{ ...live("app", app), lacks: [app.digest] }] };
    },
  },
  {
    name: "a fresh referrer of an old image that nothing keeps stays, and its subject goes",
    async build(scene) {
      const app = image();
      await scene.put("app", app);
      await scene.age();
      const fresh = referrer(app.descriptor);
      await scene.put("app", fresh);
      return { live: [live("app", fresh)] };
    },
  },
  {
    name: "repositories whose names begin alike do not mix",
    async build(scene) {
      const [one, two, three] = [image(), image(), image()];
      await scene.put("app", one);
      await scene.put("app-2", two, "v1");
      await scene.put("app2", three, "v1");
      await scene.put("ap", one);
      await scene.age();
      return { live: [live("app-2", two, "v1"), live("app2", three, "v1")] };
    },
  },
  {
    name: "a repository below one that becomes empty stays, and one above",
    async build(scene) {
      const [inner, outer] = [image(), image()];
      await scene.put("a", image());
      await scene.put("a/b", inner, "v1");
      await scene.put("c", outer, "v1");
      await scene.put("c/d/e", image());
      await scene.age();
      return { live: [live("a/b", inner, "v1"), live("c", outer, "v1")] };
    },
  },
  {
    name: "nothing is left of a registry in which nothing is needed",
    async build(scene) {
      await scene.put("a", index([image(), image()]));
      await scene.put("a/b", image());
      await scene.layer("a/b/c", layer());
      await scene.age();
      return { live: [] };
    },
  },
];
