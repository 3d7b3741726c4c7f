// The pictures: panes on one canvas that zoom and move together, and what the large one shows.

const MODES = ["render", "swipe", "target", "difference"];
const LARGEST_ZOOM = 64;

class Stage {
  constructor(drawing, aspect, compares, changed) {
    this.drawing = drawing;
    this.compares = compares;
    this.changed = changed;
    this.mode = "render";
    this.gain = 4;
    this.split = 0.5;
    this.view = { zoom: 1, x: 0, y: 0 };
    this.pointers = new Map();
    this.box = document.getElementById("panes");
    this.box.style.setProperty("--aspect", aspect);
    this.box.classList.toggle("comparing", compares);
    this.box.classList.toggle("wide", aspect > 1.6);
    this.box.classList.toggle("tall", aspect < 0.75);
    this.panes = Array.from({ length: compares ? 3 : 1 }, (_, i) => this.makePane(i));
    this.divider = this.makeDivider();
    if (compares) this.makeModes();
    document.getElementById("zoom-in").onclick = () => this.zoomBy(1.5);
    document.getElementById("zoom-out").onclick = () => this.zoomBy(1 / 1.5);
    document.getElementById("zoom-reset").onclick = () => this.resetView();
    new ResizeObserver(() => this.changed()).observe(this.box);
    this.setMode("render");
  }

  makePane(index) {
    const pane = document.createElement("div");
    pane.className = "pane";
    pane.tabIndex = 0;
    pane.setAttribute("role", "img");
    pane.append(Object.assign(document.createElement("span"), { className: "caption" }));
    this.box.append(pane);
    pane.addEventListener("wheel", (event) => {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      this.zoomBy(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0015)), this.at(pane, event));
    }, { passive: false });
    pane.addEventListener("dblclick", () => this.resetView());
    pane.addEventListener("pointerdown", (event) => this.press(pane, event));
    pane.addEventListener("pointermove", (event) => this.drag(pane, event));
    for (const end of ["pointerup", "pointercancel"]) {
      pane.addEventListener(end, (event) => this.release(pane, index, event));
    }
    pane.addEventListener("keydown", (event) => this.key(pane, index, event));
    return pane;
  }

  makeDivider() {
    const divider = document.createElement("div");
    divider.id = "divider";
    divider.tabIndex = 0;
    divider.hidden = true;
    divider.setAttribute("role", "slider");
    divider.setAttribute("aria-label", "Render on the left, target on the right");
    divider.setAttribute("aria-valuemin", "0");
    divider.setAttribute("aria-valuemax", "100");
    this.panes[0].append(divider);
    divider.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      divider.setPointerCapture(event.pointerId);
    });
    divider.addEventListener("pointermove", (event) => {
      event.stopPropagation();
      if (divider.hasPointerCapture(event.pointerId)) this.setSplit(this.at(this.panes[0], event).x);
    });
    divider.addEventListener("dblclick", (event) => event.stopPropagation());
    divider.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      this.setSplit(this.split + step);
    });
    return divider;
  }

  makeModes() {
    const box = document.getElementById("modes");
    box.hidden = false;
    for (const mode of MODES) {
      const label = document.createElement("label");
      const input = Object.assign(document.createElement("input"), { type: "radio", name: "mode", value: mode });
      input.onchange = () => this.setMode(mode);
      label.append(input, mode[0].toUpperCase() + mode.slice(1));
      box.append(label);
    }
    const gain = document.getElementById("gain");
    gain.hidden = false;
    gain.onclick = () => {
      this.gain = this.gain === 4 ? 1 : 4;
      gain.setAttribute("aria-pressed", String(this.gain === 4));
      gain.textContent = `Gain ×${this.gain}`;
      this.setMode(this.mode);
    };
  }

  setMode(mode) {
    this.mode = mode;
    const others = ["render", "target", "difference"].filter((kind) => kind !== (mode === "swipe" ? "render" : mode));
    this.panes.forEach((pane, i) => {
      const kind = i ? others[i - 1] : mode;
      pane.dataset.kind = kind;
      const caption = { swipe: "render | target", difference: `difference ×${this.gain}` }[kind] ?? kind;
      pane.firstChild.textContent = caption;
      pane.firstChild.hidden = !this.compares;
      pane.setAttribute("aria-label", caption + (i ? ", press Enter to enlarge" : ""));
    });
    for (const input of document.querySelectorAll("#modes input")) input.checked = input.value === mode;
    this.divider.hidden = mode !== "swipe";
    this.setSplit(this.split);
  }

  setSplit(split) {
    this.split = Math.min(1, Math.max(0, split));
    this.divider.style.left = `${100 * this.split}%`;
    this.divider.setAttribute("aria-valuenow", String(Math.round(100 * this.split)));
    this.changed();
  }

  // The place of a pointer in a pane, from its bottom left, in [0, 1].
  at(pane, event) {
    const box = pane.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: 1 - (event.clientY - box.top) / box.height };
  }

  setView(zoom, x, y) {
    zoom = Math.min(LARGEST_ZOOM, Math.max(1, zoom));
    const free = 1 - 1 / zoom;
    this.view = { zoom, x: Math.min(free, Math.max(0, x)), y: Math.min(free, Math.max(0, y)) };
    const shown = zoom < 10 ? Math.round(100 * zoom) + " %" : Math.round(zoom) + " ×";
    document.getElementById("zoom-reset").textContent = shown;
    this.box.classList.toggle("zoomed", zoom > 1);
    this.changed();
  }

  // Zooms so that the point of the picture at `place` of a pane stays there.
  zoomBy(factor, place = { x: 0.5, y: 0.5 }) {
    const { zoom, x, y } = this.view;
    const next = Math.min(LARGEST_ZOOM, Math.max(1, zoom * factor));
    this.setView(next, x + place.x / zoom - place.x / next, y + place.y / zoom - place.y / next);
  }

  moveBy(x, y) {
    const { zoom } = this.view;
    this.setView(zoom, this.view.x + x / zoom, this.view.y + y / zoom);
  }

  resetView() {
    this.setView(1, 0, 0);
  }

  press(pane, event) {
    if (event.button !== 0) return;
    pane.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { ...this.at(pane, event), moved: 0 });
  }

  drag(pane, event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this.at(pane, event);
    const [dx, dy] = [now.x - before.x, now.y - before.y];
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    const moved = before.moved + Math.hypot(event.movementX, event.movementY);
    this.pointers.set(event.pointerId, { ...now, moved });
    if (other) {
      const apart = (p) => Math.max(0.02, Math.hypot(p.x - other.x, p.y - other.y));
      this.zoomBy(apart(now) / apart(before), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
      this.moveBy(-dx / 2, -dy / 2);
    } else {
      this.dragBy(dx, dy, event);
    }
  }

  dragBy(dx, dy) {
    this.moveBy(-dx, -dy);
  }

  release(pane, index, event) {
    const pressed = this.pointers.get(event.pointerId);
    this.pointers.delete(event.pointerId);
    if (pressed && index > 0 && pressed.moved < 4 && event.type === "pointerup") this.setMode(pane.dataset.kind);
  }

  key(pane, index, event) {
    const move = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowDown: [0, -0.1], ArrowUp: [0, 0.1] }[event.key];
    if (move && this.view.zoom > 1) this.moveBy(...move);
    else if (event.key === "+" || event.key === "=") this.zoomBy(1.5);
    else if (event.key === "-") this.zoomBy(1 / 1.5);
    else if (event.key === "0" || event.key === "Escape") this.resetView();
    else if (index > 0 && (event.key === "Enter" || event.key === " ")) this.setMode(pane.dataset.kind);
    else return;
    event.preventDefault();
  }

  // Draws what is shown now, at the screen's own resolution.
  draw() {
    const canvas = this.drawing.canvas;
    const outer = this.box.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.max(1, Math.round(outer.width * ratio)), Math.max(1, Math.round(outer.height * ratio))];
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const panes = this.panes.map((pane) => {
      const box = pane.getBoundingClientRect();
      const left = Math.floor((box.left - outer.left) * ratio);
      const right = Math.ceil((box.right - outer.left) * ratio);
      const bottom = height - Math.ceil((box.bottom - outer.top) * ratio);
      const top = height - Math.floor((box.top - outer.top) * ratio);
      const area = { x: left, y: bottom, width: right - left, height: top - bottom };
      return { kind: pane.dataset.kind, split: this.split, ...area };
    });
    this.drawing.draw(panes.filter((pane) => pane.width > 0 && pane.height > 0), this.view, this.gain);
  }
}
