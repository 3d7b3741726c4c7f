// All that WebGL2 draws: the program, the target and their difference, in rectangles of one canvas.

const PLAIN_VERTEX = `#version 300 es
void main() { gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0); }
`;

// `region` maps a pixel of the canvas to the picture: its offset in pixels, and the size of the zoomed picture.
const COMPARE_FRAGMENT = `#version 300 es
precision highp float;
uniform sampler2D first;
uniform sampler2D second;
uniform vec4 region;
uniform float gain;
out vec4 color;
void main() {
  vec2 at = (gl_FragCoord.xy + region.xy) / region.zw;
  color = texture(first, at);
  if (gain > 0.0) {
    vec4 apart = gain * abs(color - texture(second, at));
    color = vec4(max(apart.rgb, apart.a), 1.0);
  }
}
`;

class Drawing {
  // `shader` is a live es300 text; `count` the number of parameters.
  constructor(canvas, shader, count) {
    this.canvas = canvas;
    this.shader = shader;
    this.vectors = new Float32Array(4 * Math.max(1, Math.ceil(count / 4)));
    this.target = null;
    this.image = null;
    this.stale = true;
    this.gl = canvas.getContext("webgl2", { alpha: true, antialias: false, depth: false, stencil: false });
    if (!this.gl) {
      throw new Error("This browser offers no WebGL2, which the live picture needs. Try a current browser, or switch on hardware acceleration.");
    }
  }

  // Compiles the shaders; resolves when they are ready, rejects with the driver's message.
  async start() {
    const gl = this.gl;
    // Everything is a triangle without attributes; the vertex array of WebGL2's default suffices.
    this.compare = this.begin(COMPARE_FRAGMENT);
    await this.use(this.shader);
    this.finish(this.compare);
    this.comparePlaces = this.found(this.compare, ["first", "second", "region", "gain"]);
    this.table = this.texture(gl.NEAREST);
    if (this.image) this.setTarget(this.image);
  }

  // Compiles another live es300 text and draws with it from then on.
  async use(shader) {
    const gl = this.gl;
    const shifted = shader
      .replace(/\bgl_FragCoord\b/g, "(gl_FragCoord + earthshader_offset)")
      .replace(/^#version[^\n]*\n/, (line) => line + "uniform highp vec4 earthshader_offset;\n#line 2\n");
    const program = this.begin(shifted);
    const parallel = gl.getExtension("KHR_parallel_shader_compile");
    while (parallel && !gl.isContextLost() && !gl.getProgramParameter(program, parallel.COMPLETION_STATUS_KHR)) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    this.finish(program);
    this.shader = shader;
    this.program = program;
    this.places = this.found(program, ["resolution", "earthshader_offset", "params", "params_texture"]);
    this.stale = true;
  }

  found(program, names) {
    return Object.fromEntries(names.map((name) => [name, this.gl.getUniformLocation(program, name)]));
  }

  begin(fragment) {
    const gl = this.gl;
    const program = gl.createProgram();
    program.parts = [gl.createShader(gl.VERTEX_SHADER), gl.createShader(gl.FRAGMENT_SHADER)];
    program.parts.forEach((part, i) => {
      gl.shaderSource(part, i ? fragment : PLAIN_VERTEX);
      gl.compileShader(part);
      gl.attachShader(program, part);
    });
    gl.linkProgram(program);
    return program;
  }

  finish(program) {
    const gl = this.gl;
    if (gl.isContextLost() || gl.getProgramParameter(program, gl.LINK_STATUS)) return;
    const logs = [...program.parts.map((part) => gl.getShaderInfoLog(part)), gl.getProgramInfoLog(program)];
    throw new Error("The graphics driver refused the shader:\n" + logs.filter(Boolean).join("\n").trim());
  }

  texture(filter) {
    const gl = this.gl;
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, filter);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, filter);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    return texture;
  }

  // The picture to compare with: a decoded image; its alpha is multiplied in, as the shader's is.
  setTarget(image) {
    const gl = this.gl;
    this.image = image;
    const [width, height] = [image.naturalWidth, image.naturalHeight];
    const picture = this.texture(gl.LINEAR);
    gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, true);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, true);
    gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, image);
    gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    gl.generateMipmap(gl.TEXTURE_2D);
    const render = this.texture(gl.LINEAR);
    gl.texStorage2D(gl.TEXTURE_2D, Math.floor(Math.log2(Math.max(width, height))) + 1, gl.RGBA8, width, height);
    const [source, frame] = [picture, render].map((texture) => {
      const buffer = gl.createFramebuffer();
      gl.bindFramebuffer(gl.FRAMEBUFFER, buffer);
      gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
      return buffer;
    });
    this.target = { width, height, picture, render, frame, bytes: this.read(source, width, height) };
    this.stale = true;
  }

  // Pixels of a frame buffer as RGBA bytes, the bottom row first.
  read(buffer, width, height) {
    const gl = this.gl;
    const bytes = new Uint8Array(4 * width * height);
    gl.bindFramebuffer(gl.FRAMEBUFFER, buffer);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    return bytes;
  }

  setValues(values) {
    this.vectors.set(values);
    this.stale = true;
  }

  // Draws the program so that the pixel (0, 0) of the frame buffer is the pixel `offset` of a picture of `size`.
  render(size, offset) {
    const gl = this.gl;
    gl.useProgram(this.program);
    gl.uniform2f(this.places.resolution, ...size);
    gl.uniform4f(this.places.earthshader_offset, ...offset, 0, 0);
    if (this.places.params) gl.uniform4fv(this.places.params, this.vectors);
    if (this.places.params_texture) {
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D, this.table);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, this.vectors.length / 4, 1, 0, gl.RGBA, gl.FLOAT, this.vectors);
      gl.uniform1i(this.places.params_texture, 0);
    }
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  // Brings the render at the target's size up to date.
  refresh() {
    if (!this.stale) return;
    const gl = this.gl;
    const { width, height, frame, render } = this.target;
    gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
    gl.viewport(0, 0, width, height);
    gl.disable(gl.SCISSOR_TEST);
    this.render([width, height], [0, 0]);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.bindTexture(gl.TEXTURE_2D, render);
    gl.generateMipmap(gl.TEXTURE_2D);
    this.stale = false;
  }

  // What stands for the program's picture beside the target.
  rendered() {
    this.refresh();
    return this.target.render;
  }

  // Fills the viewport with the program's picture.
  paint(size, offset) {
    this.render(size, offset);
  }

  // A texture (`gain` 0), or the difference between two; `near` shows its pixels as squares.
  show(first, second, near, size, offset, gain) {
    const gl = this.gl;
    gl.useProgram(this.compare);
    [first, second].forEach((texture, unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, near ? gl.NEAREST : gl.LINEAR);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
    });
    gl.uniform1i(this.comparePlaces.first, 0);
    gl.uniform1i(this.comparePlaces.second, 1);
    gl.uniform4f(this.comparePlaces.region, ...offset, ...size);
    gl.uniform1f(this.comparePlaces.gain, gain);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  // Draws all panes. A pane is {kind, x, y, width, height, split}, in pixels of the canvas from its bottom left;
  // `view` is {zoom, x, y}: (x, y) in [0, 1] is the picture's point in a pane's bottom left corner.
  draw(panes, view, gain) {
    const gl = this.gl;
    if (gl.isContextLost() || !this.places) return;
    const rendered = panes.some((pane) => pane.kind === "difference") ? this.rendered() : null;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.disable(gl.SCISSOR_TEST);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.enable(gl.SCISSOR_TEST);
    for (const { kind, x, y, width, height, split } of panes) {
      const size = [width * view.zoom, height * view.zoom];
      const offset = [view.x * size[0] - x, view.y * size[1] - y];
      gl.viewport(x, y, width, height);
      gl.scissor(x, y, width, height);
      // Close up, the pixels themselves are what one wants to see.
      const near = this.target && size[0] > 2.5 * this.target.width;
      if (kind === "render") this.paint(size, offset);
      if (kind === "target" || kind === "swipe") this.show(this.target.picture, this.target.picture, near, size, offset, 0);
      if (kind === "difference") this.show(this.target.picture, rendered, near, size, offset, gain);
      if (kind === "swipe") {
        gl.scissor(x, y, Math.round(width * split), height);
        this.paint(size, offset);
      }
    }
    gl.disable(gl.SCISSOR_TEST);
  }

  // The program at width x height pixels: premultiplied RGBA bytes, the top row first.
  pixels(width, height) {
    const gl = this.gl;
    const buffer = gl.createFramebuffer();
    const store = gl.createRenderbuffer();
    gl.bindRenderbuffer(gl.RENDERBUFFER, store);
    gl.renderbufferStorage(gl.RENDERBUFFER, gl.RGBA8, width, height);
    gl.bindFramebuffer(gl.FRAMEBUFFER, buffer);
    gl.framebufferRenderbuffer(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.RENDERBUFFER, store);
    gl.viewport(0, 0, width, height);
    gl.disable(gl.SCISSOR_TEST);
    this.render([width, height], [0, 0]);
    const bytes = this.read(buffer, width, height);
    gl.deleteFramebuffer(buffer);
    gl.deleteRenderbuffer(store);
    const flipped = new Uint8Array(bytes.length);
    for (let row = 0; row < height; row++) {
      flipped.set(bytes.subarray(4 * width * row, 4 * width * (row + 1)), 4 * width * (height - 1 - row));
    }
    return flipped;
  }

  // Decibels between the render and the target at the target's size; alpha counts where `transparent` says so.
  psnr(transparent) {
    this.refresh();
    const { width, height, frame, bytes } = this.target;
    const rendered = this.read(frame, width, height);
    let sum = 0;
    for (let i = 0; i < bytes.length; i++) {
      if ((i & 3) === 3 && !transparent) continue;
      const apart = rendered[i] - bytes[i];
      sum += apart * apart;
    }
    const mean = sum / (width * height * (transparent ? 4 : 3)) / 65025;
    return Math.min(99.99, -10 * Math.log10(mean));
  }
}
