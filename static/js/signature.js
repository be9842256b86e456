// The signature pad. Strokes are kept as points in a box of 600 × 200, so that rotation, resize and the
// keyboard of the phone change nothing; the canvas is only a view of them.
const { default: SignaturePad } = await import(
  `${document.documentElement.dataset.static}signature_pad/dist/signature_pad.min.js`
);

const BOX = { width: 600, height: 200 };

for (const root of document.querySelectorAll("[data-signature]")) start(root);

function start(root) {
  const canvas = root.querySelector("canvas");
  const hidden = root.querySelector("input[name=strokes]");
  const pad = new SignaturePad(canvas, { minWidth: 1.2, maxWidth: 2.8, penColor: "#10224d" });
  // What was drawn before the page came back with a fault elsewhere.
  let strokes = hidden.value ? JSON.parse(hidden.value) : [];
  let width = 0;
  let drawing = false;

  // Of the size in which the canvas was drawn, which the page may have left meanwhile.
  const scale = () => width / BOX.width;

  function read() {
    strokes = pad.toData().map((group) =>
      group.points.map((point) => ({
        x: point.x / scale(),
        y: point.y / scale(),
        t: point.time,
        p: point.pressure,
      })),
    );
    hidden.value = strokes.length ? JSON.stringify(strokes) : "";
  }

  function draw() {
    // A resize in height alone comes from the keyboard and must not clear the canvas. A stroke in
    // the middle is finished first, in the size in which it was begun.
    if (canvas.clientWidth === width || drawing) return;
    width = canvas.clientWidth;
    const ratio = Math.max(window.devicePixelRatio || 1, 1);
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    canvas.getContext("2d").scale(ratio, ratio);
    pad.fromData(
      strokes.map((points) => ({
        penColor: "#10224d",
        dotSize: 0,
        minWidth: 1.2,
        maxWidth: 2.8,
        velocityFilterWeight: 0.7,
        compositeOperation: "source-over",
        points: points.map((point) => ({
          x: point.x * scale(),
          y: point.y * scale(),
          time: point.t,
          pressure: point.p,
        })),
      })),
    );
  }

  pad.addEventListener("beginStroke", () => {
    drawing = true;
    // What was missing is being done.
    root.classList.remove("sign-field-invalid");
    for (const fault of root.querySelectorAll("[role=alert]")) fault.remove();
  });
  pad.addEventListener("endStroke", () => {
    drawing = false;
    read();
    draw();
  });
  root.querySelector("[data-clear]").addEventListener("click", () => {
    pad.clear();
    read();
  });
  new ResizeObserver(draw).observe(canvas);
  draw();
}
