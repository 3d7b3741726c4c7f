// A picture in space takes long to draw. While something moves it is drawn as coarsely as its time asks for, and when all
// rests in full, a few rows at a time: the page stays quick, and no driver gives up on a long piece of work.

const PIECE = 40; // milliseconds that a piece of drawing should take
const REST = 160; // milliseconds without a change, after which the picture is drawn in full
const POLL = 12; // milliseconds that may pass before it is seen that a piece is done
const SHARES = [1, 0.7, 0.5, 0.35, 0.25, 0.18, 0.12];
const MOST_COSTLY = 60000; // what a shader may cost, by EarthShader's own count, where the driver is slow

class SpaceDrawing extends Drawing {
  // `changed` is called when there is something new to show, `rested` when all is drawn.
  constructor(canvas, shader, count, changed, rested) {
    super(canvas, shader, count);
    this.changed = changed;
    this.rested = rested;
    this.resolution = 1; // pixels at rest for a pixel of the screen, along each side
    this.size = [1, 1];
    this.speed = 100; // pixels in a millisecond, as last measured
    this.waiting = [];
    this.touch();
  }

  async start() {
    this.coarse = this.full = this.latest = this.fence = null;
    await super.start();
    this.touch();
  }

  async use(shader) {
    await super.use(shader);
    this.touch();
  }

  setValues(values) {
    super.setValues(values);
    this.touch();
  }

  setResolution(share) {
    this.resolution = share;
    this.changed();
  }

  // Nothing that was drawn is true any more.
  touch() {
    this.stale = true;
    this.moved = true;
    this.whole = false;
    this.row = 0;
    this.touched = performance.now();
  }

  // Whether no graphics card draws, but the processor.
  get isSlow() {
    const info = this.gl.getExtension("WEBGL_debug_renderer_info");
    const name = this.gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : this.gl.RENDERER);
    return /SwiftShader|llvmpipe|softpipe|software|basic render/i.test(name);
  }

  get isLost() {
    return this.gl.isContextLost() || !this.places;
  }

  rendered() {
    return this.stale ? this.latest.texture : this.target.render;
  }

  paint(size, offset) {
    this.show(this.latest.texture, this.latest.texture, false, size, offset, 0);
  }

  // Shows the latest picture, and sees to it that a newer one follows if there has to be one.
  draw(panes, view, gain) {
    const shown = panes.filter(({ kind }) => kind === "render" || kind === "swipe");
    const size = ["width", "height"].map((side) => Math.max(1, Math.round(this.resolution * Math.max(...shown.map((pane) => pane[side])))));
    if (String(size) !== String(this.size)) {
      this.size = size;
      this.touch();
    }
    if (this.latest) super.draw(panes, view, gain);
    this.work();
  }

  work() {
    if (this.working) return;
    this.working = true;
    requestAnimationFrame(() => {
      this.working = false;
      if (!this.isLost) this.step();
    });
  }

  step() {
    if (!this.arrived()) return this.work();
    if (this.moved) {
      this.drawCoarse();
    } else if (!this.whole && performance.now() - this.touched > REST) {
      this.full = this.fitted(this.full, this.size);
      if (this.drawRows(this.full)) this.finishWhole(this.full);
    } else if (this.whole && this.target && this.stale) {
      if (this.drawRows(this.target)) this.finishTarget();
    } else if (this.whole) {
      this.rested();
      this.waiting.splice(0).forEach((resolve) => resolve());
      return;
    }
    this.work();
  }

  // As large as one piece of work may be.
  drawCoarse() {
    const [width, height] = this.size;
    const affordable = SHARES.find((share) => share * share * width * height <= PIECE * this.speed) ?? SHARES.at(-1);
    this.coarse = this.fitted(this.coarse, this.size.map((side) => Math.max(1, Math.round(affordable * side))));
    this.drawRows(this.coarse, this.coarse.height);
    this.moved = false;
    this.row = 0;
    if (affordable === 1) this.finishWhole(this.coarse);
    else this.latest = this.coarse;
    this.changed();
  }

  finishWhole(picture) {
    this.latest = picture;
    this.whole = true;
    this.row = 0;
    this.changed();
  }

  finishTarget() {
    const gl = this.gl;
    gl.bindTexture(gl.TEXTURE_2D, this.target.render);
    gl.generateMipmap(gl.TEXTURE_2D);
    this.stale = false;
    this.row = 0;
    this.changed();
  }

  // Draws the next rows of a picture; whether it is complete.
  drawRows(picture, count = Math.max(1, Math.floor(PIECE * this.speed / picture.width))) {
    const gl = this.gl;
    const { width, height, frame } = picture;
    const rows = Math.min(count, height - this.row);
    this.began = performance.now();
    this.pixelsDrawn = width * rows;
    gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
    gl.viewport(0, 0, width, height);
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(0, this.row, width, rows);
    this.render([width, height], [0, 0]);
    gl.disable(gl.SCISSOR_TEST);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    this.fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
    this.row += rows;
    return this.row >= height;
  }

  // Whether the last piece is drawn; then it is known how long it took.
  arrived() {
    const gl = this.gl;
    if (!this.fence) return true;
    if (gl.clientWaitSync(this.fence, 0, 0) === gl.TIMEOUT_EXPIRED) return false;
    gl.deleteSync(this.fence);
    this.fence = null;
    this.speed = this.pixelsDrawn / Math.max(1, performance.now() - this.began - POLL);
    return true;
  }

  // A picture of a size: the one that there is, if it has it.
  fitted(picture, [width, height]) {
    const gl = this.gl;
    if (picture?.width === width && picture.height === height) return picture;
    if (picture) {
      gl.deleteFramebuffer(picture.frame);
      gl.deleteTexture(picture.texture);
    }
    const texture = this.texture(gl.LINEAR);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, width, height);
    const frame = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
    return { width, height, texture, frame };
  }

  // Resolves when the picture that is wanted now is drawn in full.
  settled() {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.work();
    });
  }
}
