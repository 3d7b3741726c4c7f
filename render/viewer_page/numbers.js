// Numbers and texts: how the language and GLSL write a number, the program with other numbers, the shader to paste.

// The shortest decimal that reads back as the same float32, as the language prints it.
function shortest(value) {
  const single = Math.fround(value);
  if (single === 0) return "0";
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(single.toPrecision(digits));
    if (Math.fround(rounded) === single) return String(rounded);
  }
  return String(Number(single.toPrecision(9)));
}

function glslNumber(value) {
  const text = shortest(value);
  return /[.e]/.test(text) ? text : text + ".0";
}

function hexOf(colour) {
  const bytes = colour.map((v) => Math.min(255, Math.max(0, Math.round(v * 255))));
  return "#" + bytes.map((v) => v.toString(16).padStart(2, "0")).join("");
}

// `#rrggbb` where that reads back the same float32 numbers, else `rgb(...)`.
function colourText(colour) {
  const exact = colour.every((v) => Math.fround(Math.round(v * 255) / 255) === Math.fround(v));
  return exact ? hexOf(colour) : `rgb(${colour.map(shortest).join(", ")})`;
}

// The components of `#rgb`, `#rrggbb` or `rgb(r, g, b)`, each in [0, 1]; null if the text is none of these.
function colourFrom(text) {
  const hex = text.trim().match(/^#?([0-9a-f]{6}|[0-9a-f]{3})$/i);
  if (hex) {
    const digits = hex[1].length === 3 ? hex[1].replace(/./g, "$&$&") : hex[1];
    return [0, 2, 4].map((i) => parseInt(digits.slice(i, i + 2), 16) / 255);
  }
  const call = text.trim().match(/^rgb\(([^,()]+),([^,()]+),([^,()]+)\)$/i);
  const colour = call ? call.slice(1).map(Number) : [];
  return colour.length && colour.every((v) => v >= 0 && v <= 1) ? colour : null;
}

// A step for a slider that gives numbers of few digits: 1, 2 or 5 times a power of ten, some hundreds to the range.
function niceStep(range) {
  if (!(range > 0)) return 0.001;
  const rough = range / 400;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = rough / power;
  return Number((power * (factor > 5 ? 10 : factor > 2 ? 5 : factor > 1 ? 2 : 1)).toPrecision(1));
}

// `value` on the grid of `step`, without the dust of binary arithmetic.
function onGrid(value, step) {
  return Number((Math.round(value / step) * step).toPrecision(7));
}

// A live WebGL2 shader with its numbers as constants: `target` is "330" or "shadertoy".
//
// Each name keeps its #define, so that the numbers stand at the top under names a person can read; what reads
// parameters by number (loops over layers, points of outlines) gets them as one constant array. Parameter `time`, if any, goes on.
function bakedShader(live, target, values, program, time) {
  let code = live.replace(/^#version[^\n]*\n(?:precision[^\n]*\n)*/, "");
  // The program in the comment at the head comes last: nothing in it is code.
  code = code.replace(/^\/\/ Written by [^\n]*\n(?:\/\/[^\n]*\n)*/, "");
  code = code.replace(
    /^(#define \w+ )(?:params\[(\d+)\]|texelFetch\(params_texture, ivec2\((\d+), 0\), 0\))\.([xyzw])$/gm,
    (_, head, vector, texel, part) => {
      const index = 4 * Number(vector ?? texel) + "xyzw".indexOf(part);
      if (index === time) return target === "shadertoy" ? head + "iTime" : "uniform float time;  // the moment that is shown, in seconds";
      const text = glslNumber(values[index]);
      return head + (text.startsWith("-") ? `(${text})` : text);
    },
  );
  code = code.replace(/texelFetch\(params_texture, ivec2\((.+?), 0\), 0\)/g, "params[$1]");
  const declaration = /^uniform [^\n]*\bparams(?:_texture)?\b[^\n]*\n/m;
  if (/\bparams\[/.test(code.replace(declaration, ""))) {
    const vectors = [];
    for (let i = 0; i < values.length; i += 4) {
      vectors.push(`vec4(${[0, 1, 2, 3].map((k) => glslNumber(values[i + k] ?? 0)).join(", ")})`);
    }
    const array = `const vec4 params[${vectors.length}] = vec4[${vectors.length}](\n    ${vectors.join(",\n    ")}\n);\n`;
    code = code.replace(declaration, () => "\n" + array);
  } else {
    code = code.replace(declaration, "");
  }
  const lines = program.split("\n").map((line) => `//   ${line}\n`);
  const comment = `// Written by EarthShader from the program below: the same picture at any resolution.\n//\n${lines.join("")}`;
  if (target === "330") return "#version 330\n" + comment + code;
  code = code.replace(/^(?:uniform vec2 resolution|out vec4 color);[^\n]*\n/gm, "");
  code = code.replace(/gl_FragCoord\.xy/g, "fragCoord");
  code = code.replace(/\bresolution\b(?!\.)/g, "iResolution.xy").replace(/\bresolution\./g, "iResolution.");
  code = code.replace(
    /void main\(\) \{\n/,
    "void mainImage(out vec4 fragColor, in vec2 fragCoord) {\n    vec4 color;\n",
  );
  // Shadertoy ignores alpha: what is transparent is shown over white.
  return comment + code.replace(/\}\s*$/, "    fragColor = vec4(color.rgb + 1.0 - color.a, 1.0);\n}\n");
}
