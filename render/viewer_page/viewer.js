// Puts the page together: model, text, controls and pictures; redraws once a frame, and only after a change.

const data = JSON.parse(document.getElementById("data").textContent);
const model = new Model(data);
let drawing = null;
let stage = null;
let frame = 0;
let measuring = 0;

function redraw() {
  if (frame || !stage) return;
  frame = requestAnimationFrame(() => {
    frame = 0;
    stage.draw();
  });
}

function psnr() {
  if (!drawing?.target) return null;
  return drawing.psnr(data.transparent || data.target.transparent);
}

function showQuality() {
  const decibels = psnr();
  if (decibels !== null) document.getElementById("psnr").textContent = decibels.toFixed(2);
}

// Reading pixels back waits for the graphics card: it is done when the slider rests, not at each of its steps.
// In space it is done when all is drawn.
function measure() {
  if (data.space) return;
  clearTimeout(measuring);
  measuring = setTimeout(showQuality, 60);
}

function message(text) {
  const [first, ...rest] = text.split("\n");
  const box = Object.assign(document.createElement("div"), { className: "message" });
  box.setAttribute("role", "alert");
  box.append(Object.assign(document.createElement("p"), { textContent: first }));
  if (rest.length) box.append(Object.assign(document.createElement("pre"), { textContent: rest.join("\n") }));
  document.querySelector("#stage .message")?.remove();
  document.getElementById("stage").append(box);
}

// Copies by the clipboard's interface, or where a page from a file may not use it, by a hidden text field.
async function copy(text, what) {
  let copied = false;
  try {
    await navigator.clipboard.writeText(text);
    copied = true;
  } catch {
    const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true, className: "offscreen" });
    const focused = document.activeElement;
    document.body.append(field);
    field.select();
    copied = document.execCommand("copy");
    field.remove();
    focused?.focus();
  }
  const toast = document.getElementById("toast");
  toast.textContent = copied ? `${what} copied` : "The browser did not allow copying: select the text instead";
  toast.classList.add("shown");
  clearTimeout(copy.timer);
  copy.timer = setTimeout(() => toast.classList.remove("shown"), 1800);
}

function shaderText(target) {
  return bakedShader(drawing?.shader ?? data.shader, target, model.values, model.written(), data.time?.parameter);
}

document.getElementById("title").textContent = data.title;
document.getElementById("notes").append(
  ...data.notes.map((note) => Object.assign(document.createElement("span"), { textContent: note })),
);
document.getElementById("copy-program").onclick = () => copy(model.written() + "\n", "Program");
document.getElementById("copy-shadertoy").onclick = () => copy(shaderText("shadertoy"), "Shadertoy code");
document.getElementById("copy-glsl").onclick = () => copy(shaderText("330"), "GLSL 330");

let controls = null;
const code = new Code(model, (literal) => controls.focus(literal));
controls = new Controls(model, code);
const resetAll = document.getElementById("reset");
resetAll.onclick = () => model.literals.filter((literal) => model.isChanged(literal)).forEach((literal) => model.reset(literal));
model.listeners.push((literal) => {
  code.update(literal);
  controls.update(literal);
  resetAll.disabled = !model.literals.some((other) => model.isChanged(other));
  drawing?.setValues(model.values);
  redraw();
  measure();
});

if (data.time) new Clock(model, data.time);

function showAntialiasing() {
  document.getElementById("antialias").setAttribute("aria-pressed", String(drawing.shader === data.shader));
}

// The stage of a program in space, whose camera moves.
function makeSpace(canvas, aspect) {
  drawing = new SpaceDrawing(canvas, data.shader, data.parameters.length, redraw, showQuality);
  // Drivers on the processor take minutes for a long shader.
  if (drawing.isSlow && data.space.costs.full > MOST_COSTLY) drawing.shader = data.space.quick;
  const camera = new Camera(model, data.space.camera);
  const takesLong = drawing.isSlow && data.space.costs.quick > MOST_COSTLY;
  const patience = takesLong ? "no graphics card: this takes minutes …" : "preparing the picture …";
  const made = new OrbitStage(drawing, aspect, Boolean(data.target), redraw, camera, patience);
  const turntable = new Turntable(camera, document.getElementById("turn"));
  for (const pane of made.panes) pane.addEventListener("pointerdown", () => turntable.stop());
  const antialias = document.getElementById("antialias");
  showAntialiasing();
  antialias.onclick = async () => {
    antialias.disabled = true;
    try {
      await drawing.use(drawing.shader === data.shader ? data.space.quick : data.shader);
      document.querySelector("#stage .message")?.remove();
    } catch (problem) {
      message(problem.message);
    }
    antialias.disabled = false;
    showAntialiasing();
    redraw();
  };
  const resolution = document.getElementById("resolution");
  resolution.onchange = () => drawing.setResolution(Number(resolution.value));
  document.getElementById("seeing").hidden = false;
  return made;
}

function makePlane(canvas, aspect) {
  drawing = new Drawing(canvas, data.shader, data.parameters.length);
  return new Stage(drawing, aspect, Boolean(data.target), redraw);
}

async function start() {
  const canvas = document.getElementById("canvas");
  const aspect = data.target ? data.target.width / data.target.height : 1;
  const made = (data.space ? makeSpace : makePlane)(canvas, aspect);
  canvas.addEventListener("webglcontextlost", (event) => {
    event.preventDefault();
    message("The graphics card was reset; the picture returns when the browser gives it back.");
  });
  canvas.addEventListener("webglcontextrestored", () => {
    if (data.space) {
      // It may have been too much for it.
      drawing.shader = data.space.quick;
      showAntialiasing();
    }
    drawing.start().then(() => {
      document.querySelector("#stage .message")?.remove();
      redraw();
    }, (problem) => message(problem.message));
  });
  await drawing.start();
  drawing.setValues(model.values);
  if (data.target) {
    const image = new Image();
    image.src = data.target.source;
    await image.decode();
    drawing.setTarget(image);
    document.getElementById("quality").hidden = false;
  }
  stage = made;
  stage.draw();
  measure();
}

const ready = start().catch((problem) => message(problem.message));

// For tests, and for the console.
window.earthshader = {
  ready,
  parameters: data.parameters.map((parameter) => parameter.name),
  setParameter(name, value) {
    const index = model.byName.get(name);
    if (index === undefined) throw new Error(`There is no parameter ${name}.`);
    const literal = model.literalOf[index];
    model.set(literal, model.scalars(literal).map((other) => (other === index ? value : model.values[other])));
  },
  programText: () => model.written(),
  shaderText,
  pixels: (width, height) => drawing.pixels(width, height),
  psnr,
  // Resolves when the picture is drawn in full.
  settled: () => drawing.settled(),
};
