/** What is needed of a terminal to read what shall not be seen. */
export interface SecretInput {
  setRawMode(on: boolean): unknown;
  on(event: "data", heard: (bytes: Uint8Array) => void): unknown;
  on(event: "end", heard: () => void): unknown;
  off(event: "data", heard: (bytes: Uint8Array) => void): unknown;
  off(event: "end", heard: () => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/** The keys that mean something, as a terminal sends them. */
const ENTER = new Set(["\r", "\n"]);
const ERASE = new Set(["\u007F", "\b"]);
const ERASE_ALL = "\u0015";
const STOP = "\u0003";
const END = "\u0004";

/**
 * Asks for secrets on a terminal, which shows nothing of what is typed. What was typed or pasted ahead
 * belongs to the next question. Throws an AbortError on Ctrl-C, and on Ctrl-D where nothing was typed.
 */
export function secretPrompt(input: SecretInput, write: (text: string) => void) {
  let ahead = "";
  return async (question: string): Promise<string> => {
    write(question);
    const decoder = new TextDecoder();
    let typed = "";
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const take = (text: string): void => {
      const keys = Array.from(text);
      for (const [at, key] of keys.entries()) {
        if (ENTER.has(key) || (key === END && typed !== "")) {
          ahead = keys.slice(at + 1).join("");
          resolve(typed);
          return;
        }
        if (key === STOP || key === END) {
          reject(new DOMException("nothing was entered", "AbortError"));
          return;
        }
        if (ERASE.has(key)) typed = Array.from(typed).slice(0, -1).join("");
        else if (key === ERASE_ALL) typed = "";
        else if (key >= " ") typed += key;
      }
    };
    const data = (bytes: Uint8Array): void => take(decoder.decode(bytes, { stream: true }));
    const end = (): void => take(END);
    input.setRawMode(true);
    input.on("data", data);
    input.on("end", end);
    input.resume();
    const before = ahead;
    ahead = "";
    take(before);
    try {
      return await promise;
    } finally {
      input.off("data", data);
      input.off("end", end);
      input.pause();
      input.setRawMode(false);
      write("\n");
    }
  };
}
