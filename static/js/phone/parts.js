// A part used: found in the stock list of the pack by name, pinyin or code; typed, or scanned where the
// browser reads codes. What is not on the list is typed as it is.
import { icon, make, say } from "./dom.js";
import { pack } from "./pack.js";

const MOST = 8;
const PAUSE = 200;

export async function parts(input) {
  const { code } = input.form.elements;
  const held = async () => (await pack().catch(() => null))?.parts ?? [];
  let list = await held();
  const found = make("ul.part-list", { hidden: true, "aria-label": say("foundParts") });
  input.after(found);

  const take = (part) => {
    input.value = part.name;
    code.value = part.code;
    found.hidden = true;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const byCode = (text) => list.find((part) => part.code === text.trim().toUpperCase());
  const search = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    code.value = "";
    const hits = words.length ? list.filter(({ key }) => words.every((word) => key.includes(word))).slice(0, MOST) : [];
    found.replaceChildren(...hits.map((part) => {
      const button = make("button", { type: "button" }, make("span", {}, part.name), make("small.number", {}, part.code));
      button.addEventListener("click", () => take(part));
      return make("li", {}, button);
    }));
    found.hidden = !hits.length;
  };
  input.addEventListener("input", search);
  // On the first page that he opens the list is still under way.
  document.addEventListener("outbox:idle", async () => {
    if (list.length) return;
    list = await held();
    if (list.length && input.value) search();
  });
  // A reader in the hand types the code and ends with Enter.
  input.addEventListener("keydown", (event) => {
    const part = event.key === "Enter" && byCode(input.value);
    if (!part) return;
    event.preventDefault();
    take(part);
  });
  code.addEventListener("change", () => {
    const part = byCode(code.value);
    if (part) take(part);
  });
  if (window.BarcodeDetector && navigator.mediaDevices) scanner(input, (text) => {
    const part = byCode(text);
    if (part) take(part);
    else code.value = text.trim();
  });
}

function scanner(input, take) {
  const button = make("button.btn.btn-plain.btn-wide.camera-button", { type: "button" }, icon("barcode"), say("scan"));
  const video = make("video.photo-preview", { playsinline: true, hidden: true });
  let stream = null;
  const stop = () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    video.hidden = true;
  };
  button.addEventListener("click", async () => {
    if (stream) return stop();
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      button.replaceChildren(say("noCamera"));
      return;
    }
    video.srcObject = stream;
    video.hidden = false;
    await video.play();
    const detector = new window.BarcodeDetector();
    while (stream) {
      const [hit] = await detector.detect(video).catch(() => []);
      if (hit) {
        stop();
        take(hit.rawValue);
        navigator.vibrate?.(60);
      } else await new Promise((done) => { setTimeout(done, PAUSE); });
    }
  });
  addEventListener("pagehide", stop);
  input.before(button, video);
}
