// The pictures of a program in space: what zooms and moves them in the plane moves the camera here.

class OrbitStage extends Stage {
  // `patience` is what is said until the first picture is drawn.
  constructor(drawing, aspect, compares, changed, camera, patience) {
    super(drawing, aspect, compares, changed);
    this.camera = camera;
    this.reach = [Math.max(aspect, 1), Math.max(1 / aspect, 1)]; // a pane's sides, by the shorter one
    this.box.classList.add("turning");
    const reset = document.getElementById("zoom-reset");
    reset.textContent = "Reset view";
    reset.title = "The camera as it was (double click)";
    document.getElementById("zoom-in").setAttribute("aria-label", "Come nearer");
    document.getElementById("zoom-out").setAttribute("aria-label", "Go away");
    const touches = matchMedia("(pointer: coarse)").matches;
    this.hint = Object.assign(document.createElement("span"), { className: "caption hint" });
    this.hint.textContent = patience;
    drawing.settled().then(() => {
      this.hint.textContent = touches ? "drag to turn, two fingers to move" : "drag to turn, shift and drag to move";
    });
    this.panes[0].append(this.hint);
  }

  zoomBy(factor) {
    this.camera.approach(factor);
  }

  moveBy(x, y) {
    this.camera.shift(x * this.reach[0], y * this.reach[1]);
  }

  // The width of the picture is half a turn.
  dragBy(dx, dy, event) {
    this.hint.hidden = true;
    if (event.shiftKey) this.moveBy(-dx, -dy);
    else this.camera.turn(-180 * dx, (-180 * dy * this.reach[1]) / this.reach[0]);
  }

  resetView() {
    this.camera.reset();
  }

  key(pane, index, event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key];
    if (!way) return super.key(pane, index, event);
    event.preventDefault();
    if (event.shiftKey) this.moveBy(0.05 * way[0], 0.05 * way[1]);
    else this.camera.turn(5 * way[0], 5 * way[1]);
  }
}
