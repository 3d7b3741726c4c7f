// The time of a program: a button that lets it pass, over and over, and a slider of seconds. Where motion is to be reduced,
// it goes on by one step a press.

const CLOCK_STEP = 0.25;

class Clock {
  constructor(model, { parameter, low, high }) {
    this.model = model;
    this.literal = model.literalOf[parameter];
    this.parameter = parameter;
    [this.low, this.high] = [low, high];
    this.button = document.getElementById("play");
    this.slider = document.getElementById("moment");
    this.shown = document.getElementById("seconds");
    Object.assign(this.slider, { min: low, max: high });
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.still.onchange = () => this.pause();
    this.slider.oninput = () => {
      this.pause();
      this.go(Number(this.slider.value));
    };
    this.button.onclick = () => {
      if (this.still.matches) this.go(this.moment + CLOCK_STEP);
      else if (this.frame) this.pause();
      else this.play();
    };
    this.model.listeners.push(() => this.update());
    this.pause();
    this.update();
    document.getElementById("playing").hidden = false;
  }

  get moment() {
    return this.model.values[this.parameter];
  }

  // Behind the last second comes the first one.
  go(seconds) {
    const length = this.high - this.low;
    this.model.set(this.literal, [seconds > this.high ? this.low + ((seconds - this.low) % length) : seconds]);
  }

  play() {
    this.button.textContent = "Pause";
    this.button.setAttribute("aria-pressed", "true");
    let before = performance.now();
    const pass = (now) => {
      // After a pause, as of a page that was hidden, it goes on where it was.
      this.go(this.moment + Math.min(0.2, Math.max(0, now - before) / 1000));
      before = now;
      this.frame = requestAnimationFrame(pass);
    };
    this.frame = requestAnimationFrame(pass);
  }

  pause() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.button.textContent = this.still.matches ? `+${CLOCK_STEP} s` : "Play";
    this.button.setAttribute("aria-pressed", "false");
  }

  update() {
    this.slider.value = String(this.moment);
    this.shown.textContent = `${this.moment.toFixed(2)} s`;
  }
}
