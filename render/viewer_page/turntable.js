// A button that turns the camera around its target until it is pressed again. Where motion is to be reduced, it goes on
// by one step a press.

const TURN_SECONDS = 16;
const TURN_STEP = 30;

class Turntable {
  constructor(camera, button) {
    this.camera = camera;
    this.button = button;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.still.onchange = () => this.stop();
    button.onclick = () => {
      if (this.still.matches) camera.turn(TURN_STEP, 0);
      else if (this.frame) this.stop();
      else this.start();
    };
    this.stop();
  }

  start() {
    this.button.textContent = "Stop";
    this.button.setAttribute("aria-pressed", "true");
    let before = performance.now();
    const turn = (now) => {
      // After a pause, as of a page that was hidden, it goes on where it was.
      this.camera.turn((360 / TURN_SECONDS) * Math.min(0.2, Math.max(0, now - before) / 1000), 0);
      before = now;
      this.frame = requestAnimationFrame(turn);
    };
    this.frame = requestAnimationFrame(turn);
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.button.textContent = this.still.matches ? `Turn ${TURN_STEP}°` : "Turn";
    this.button.setAttribute("aria-pressed", "false");
  }
}
