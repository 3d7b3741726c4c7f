// The camera of a program in space: read from the program's numbers, moved around its target, and written back to them.

const DEGREE = Math.PI / 180;
const STEEPEST = 89;

class Camera {
  // `numbers` are by name: {parameter, factor} of what the text holds, or {parameter: -1, value}.
  constructor(model, { kind, numbers }) {
    this.model = model;
    this.kind = kind;
    this.numbers = numbers;
    this.held = null;
  }

  number(name) {
    const { parameter, factor, value } = this.numbers[name];
    return parameter < 0 ? value : this.model.values[parameter] * factor;
  }

  point(name) {
    return ["_x", "_y", "_z"].map((axis) => this.number(name + axis));
  }

  // Angles in degrees, a distance, and the target. What was placed last is kept without the text's rounding, so that
  // many small movements add up.
  pose() {
    const now = Object.keys(this.numbers).map((name) => this.number(name)).join();
    if (this.held?.written !== now) this.held = { written: now, pose: this.read() };
    return this.held.pose;
  }

  read() {
    const target = this.point("target");
    if (this.kind === "orbit") {
      const [azimuth, elevation, distance] = ["azimuth", "elevation", "distance"].map((name) => this.number(name));
      return { azimuth, elevation, distance, target };
    }
    const back = this.point("eye").map((v, i) => v - target[i]);
    const distance = Math.max(Math.hypot(...back), 1e-6);
    const elevation = Math.asin(Math.min(1, Math.max(-1, back[1] / distance))) / DEGREE;
    return { azimuth: Math.atan2(back[0], back[2]) / DEGREE, elevation, distance, target };
  }

  place(pose) {
    const { azimuth, elevation, distance, target } = pose;
    const numbers = { target_x: target[0], target_y: target[1], target_z: target[2] };
    if (this.kind === "orbit") {
      Object.assign(numbers, { azimuth: azimuth - 360 * Math.round(azimuth / 360), elevation, distance });
    } else {
      const { back } = this.axes(pose);
      ["eye_x", "eye_y", "eye_z"].forEach((name, i) => (numbers[name] = target[i] + distance * back[i]));
    }
    for (const [name, value] of Object.entries(numbers)) this.write(name, value);
    this.held = { written: Object.keys(this.numbers).map((name) => this.number(name)).join(), pose };
  }

  // Writes a number with as many digits as can be seen: tenths of a degree, thousandths of a unit.
  write(name, value) {
    const { parameter, factor } = this.numbers[name];
    const seen = name === "azimuth" || name === "elevation" ? 0.1 : 0.001;
    const number = onGrid(value / factor, 10 ** Math.round(Math.log10(seen / factor)));
    if (Math.fround(number) !== this.model.values[parameter]) this.model.set(this.model.literalOf[parameter], [number]);
  }

  // Unit vectors: to the right and up in the picture, and from the target to the eye.
  axes({ azimuth, elevation }) {
    const [a, e] = [azimuth * DEGREE, elevation * DEGREE];
    return {
      right: [Math.cos(a), 0, -Math.sin(a)],
      up: [-Math.sin(a) * Math.sin(e), Math.cos(e), -Math.cos(a) * Math.sin(e)],
      back: [Math.sin(a) * Math.cos(e), Math.sin(e), Math.cos(a) * Math.cos(e)],
    };
  }

  // Around the target, in degrees.
  turn(azimuth, elevation) {
    const pose = this.pose();
    const steep = Math.min(STEEPEST, Math.max(-STEEPEST, pose.elevation + elevation));
    this.place({ ...pose, azimuth: pose.azimuth + azimuth, elevation: steep });
  }

  // Along the picture, in shares of its shorter side.
  shift(x, y) {
    const pose = this.pose();
    const { right, up } = this.axes(pose);
    const height = this.kind === "orthographic" ? this.number("height") : 2 * pose.distance * Math.tan(this.number("fov") * DEGREE / 2);
    this.place({ ...pose, target: pose.target.map((v, i) => v + height * (x * right[i] + y * up[i])) });
  }

  // What is looked at becomes larger by a factor: the camera comes nearer, or, where rays are parallel, sees less.
  approach(factor) {
    const bounded = (value) => Math.min(50, Math.max(0.02, value / factor));
    if (this.kind === "orthographic") {
      this.write("height", bounded(this.number("height")));
    } else {
      const pose = this.pose();
      this.place({ ...pose, distance: bounded(pose.distance) });
    }
  }

  reset() {
    for (const { parameter } of Object.values(this.numbers)) {
      if (parameter >= 0) this.model.reset(this.model.literalOf[parameter]);
    }
  }
}
