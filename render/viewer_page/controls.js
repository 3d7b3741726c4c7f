// The numbers of a program: their values, the text that shows them, and a control for each.

// The numbers and the text that they make. `literals` are the numbers and colours of the text in its order.
class Model {
  constructor(data) {
    this.text = data.text;
    this.statements = data.statements;
    this.sections = data.sections;
    this.parameters = data.parameters;
    this.literals = data.literals.map((literal, index) => {
      const parameter = data.parameters[literal.parameter];
      return { ...literal, index, colour: parameter?.kind === "colour" && literal.parameter >= 0 };
    });
    this.initial = Float32Array.from(data.parameters, (parameter) => parameter.value);
    this.values = this.initial.slice();
    this.literalOf = new Array(data.parameters.length);
    for (const literal of this.literals) {
      for (const index of this.scalars(literal)) this.literalOf[index] = literal;
    }
    this.byName = new Map(data.parameters.map((parameter, index) => [parameter.name, index]));
    this.listeners = [];
  }

  // The parameters of a literal by index: none for a count, three for a colour.
  scalars({ parameter, colour }) {
    return parameter < 0 ? [] : colour ? [parameter, parameter + 1, parameter + 2] : [parameter];
  }

  colour(literal) {
    return this.scalars(literal).map((index) => this.values[index]);
  }

  literalText(literal) {
    if (literal.parameter < 0) return this.text.slice(literal.start, literal.end);
    if (literal.colour) return colourText(this.colour(literal));
    return shortest(this.values[literal.parameter]) + this.parameters[literal.parameter].unit;
  }

  // The text from `start` to `end` (offsets of the first text), with the numbers as they are now.
  written(start = 0, end = this.text.length) {
    let result = "";
    for (const literal of this.literals) {
      if (literal.start < start || literal.end > end) continue;
      result += this.text.slice(start, literal.start) + this.literalText(literal);
      start = literal.end;
    }
    return result + this.text.slice(start, end);
  }

  isChanged(literal) {
    return this.scalars(literal).some((index) => this.values[index] !== this.initial[index]);
  }

  // Sets the numbers of a literal, within the hard limits of the language.
  set(literal, numbers) {
    this.scalars(literal).forEach((index, i) => {
      const { minimum, maximum } = this.parameters[index];
      this.values[index] = Math.min(maximum, Math.max(minimum, numbers[i]));
    });
    for (const listener of this.listeners) listener(literal);
  }

  reset(literal) {
    this.set(literal, this.scalars(literal).map((index) => this.initial[index]));
  }
}

// The program's text, its numbers up to date.
class Code {
  constructor(model, choose) {
    this.model = model;
    this.box = document.getElementById("code");
    this.spans = model.literals.map((literal) => {
      const span = document.createElement("span");
      span.className = literal.colour ? "literal colour" : "literal";
      if (literal.parameter < 0) span.classList.add("decided");
      span.textContent = model.text.slice(literal.start, literal.end);
      span.onclick = () => choose(literal);
      if (literal.colour) span.style.setProperty("--swatch", hexOf(model.colour(literal)));
      return span;
    });
    const pieces = document.createDocumentFragment();
    let start = 0;
    for (const literal of model.literals) {
      this.plain(pieces, model.text.slice(start, literal.start));
      pieces.append(this.spans[literal.index]);
      start = literal.end;
    }
    this.plain(pieces, model.text.slice(start));
    this.box.append(pieces);
  }

  plain(parent, text) {
    const token = /\b(?:scene|let|def)\b|\b[A-Za-z_]\w*(?=\()/g;
    let start = 0;
    for (const match of text.matchAll(token)) {
      const span = document.createElement("span");
      span.className = /^(?:scene|let|def)$/.test(match[0]) ? "keyword" : "call";
      span.textContent = match[0];
      parent.append(text.slice(start, match.index), span);
      start = match.index + match[0].length;
    }
    parent.append(text.slice(start));
  }

  update(literal) {
    const span = this.spans[literal.index];
    span.textContent = this.model.literalText(literal);
    span.classList.toggle("changed", this.model.isChanged(literal));
    if (literal.colour) span.style.setProperty("--swatch", hexOf(this.model.colour(literal)));
  }

  mark(literal, on) {
    const span = this.spans[literal.index];
    span.classList.toggle("marked", on);
    if (!on) return;
    // Scrolls this box alone: `scrollIntoView` would move the page too.
    const [outer, inner] = [this.box.getBoundingClientRect(), span.getBoundingClientRect()];
    if (inner.top < outer.top || inner.bottom > outer.bottom) {
      this.box.scrollTop += inner.top - outer.top - outer.height / 2;
    }
    if (inner.left < outer.left || inner.right > outer.right) this.box.scrollLeft += inner.left - outer.left - outer.width / 2;
  }
}

// A row of controls for one literal. Rows are made when their group is first opened.
class Row {
  constructor(model, literal, code) {
    this.model = model;
    this.literal = literal;
    this.element = document.createElement("div");
    this.element.className = "row";
    this.element.onpointerenter = () => code.mark(literal, true);
    this.element.onpointerleave = () => code.mark(literal, false);
    this.element.addEventListener("focusin", () => code.mark(literal, true));
    this.element.addEventListener("focusout", () => code.mark(literal, false));
    const parameter = model.parameters[literal.parameter];
    this.free = Boolean(parameter?.trainable);
    this.element.classList.toggle("fixed", !this.free);
    const { label } = literal;
    const name = document.createElement("label");
    name.textContent = label;
    name.title = (parameter?.name ?? label) + (this.free ? "" : parameter ? " (fixed)" : " (a count: edit the program)");
    this.main = document.createElement("input");
    this.main.id = name.htmlFor = `control-${literal.index}`;
    this.main.disabled = !this.free;
    this.number = document.createElement("input");
    this.number.className = "number";
    this.number.disabled = !this.free;
    this.number.setAttribute("aria-label", label + (literal.colour ? ", as text" : ", as a number"));
    this.number.autocomplete = "off";
    this.number.spellcheck = false;
    this.unit = Object.assign(document.createElement("span"), { className: "unit", textContent: parameter?.unit ?? "" });
    const undo = document.createElement("button");
    Object.assign(undo, { type: "button", className: "undo", textContent: "↺", title: `Reset ${label}` });
    undo.setAttribute("aria-label", `Reset ${label}`);
    undo.onclick = () => {
      model.reset(literal);
      this.main.focus();
    };
    this.undo = undo;
    if (literal.colour) this.makeColour();
    else if (parameter) this.makeNumber(parameter);
    else this.main.hidden = this.undo.disabled = true;
    this.number.onkeydown = (event) => this.key(event);
    this.element.append(name, this.main, this.number, this.unit, undo);
    this.update();
  }

  makeColour() {
    this.element.classList.add("painted");
    this.main.type = "color";
    this.main.oninput = () => this.model.set(this.literal, colourFrom(this.main.value));
    this.number.onchange = () => {
      const colour = colourFrom(this.number.value);
      if (colour) this.model.set(this.literal, colour);
      this.update(true);
    };
  }

  makeNumber({ low, high }) {
    this.step = niceStep(high - low);
    // The slider's grid begins at its minimum: on a multiple of the step it gives short numbers.
    const value = this.model.initial[this.literal.parameter];
    const [least, most] = [Math.min(low, value), Math.max(high, value)];
    Object.assign(this.main, {
      type: "range", step: this.step,
      min: onGrid(Math.floor(least / this.step + 1e-6) * this.step, this.step),
      max: onGrid(Math.ceil(most / this.step - 1e-6) * this.step, this.step),
    });
    this.number.inputMode = "decimal";
    this.main.oninput = () => this.model.set(this.literal, [onGrid(Number(this.main.value), this.step)]);
    this.number.onchange = () => {
      const typed = this.number.value.trim().replace(",", ".").replace(/(?:deg|rad|turn|%)$/, "");
      if (typed !== "" && Number.isFinite(Number(typed))) this.model.set(this.literal, [Number(typed)]);
      this.update(true);
    };
  }

  key(event) {
    if (event.key === "Escape") {
      this.update(true);
      this.number.select();
    }
    const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!way || this.literal.colour) return;
    event.preventDefault();
    const value = this.model.values[this.literal.parameter];
    this.model.set(this.literal, [onGrid(value + way * this.step * (event.shiftKey ? 10 : 1), this.step / 10)]);
    this.update(true);
  }

  // Shows the values; `always` even in the box that is being typed into.
  update(always = false) {
    const { model, literal } = this;
    if (literal.parameter < 0) {
      this.number.value = model.literalText(literal);
      return;
    }
    const changed = model.isChanged(literal);
    this.element.classList.toggle("changed", changed);
    this.undo.disabled = !changed;
    const value = model.values[literal.parameter];
    const text = literal.colour ? colourText(model.colour(literal)) : shortest(value);
    if (always || document.activeElement !== this.number) this.number.value = text;
    this.main.value = literal.colour ? hexOf(model.colour(literal)) : String(value);
    if (literal.colour) return;
    const { min, max, value: shown } = this.main;
    this.main.style.setProperty("--part", String((shown - min) / (max - min)));
  }
}

// All controls, by section (the plane has but one, without a heading) and statement.
class Controls {
  constructor(model, code) {
    this.model = model;
    this.code = code;
    this.rows = new Map();
    this.box = document.getElementById("groups");
    this.groups = [];
    this.headings = [];
    let open = 0;
    model.sections.forEach((name, section) => {
      const first = this.groups.length;
      const heading = Object.assign(document.createElement("h3"), { textContent: name });
      if (name) this.box.append(heading);
      model.statements.forEach(([start, end]) => {
        const members = model.literals.filter((l) => l.section === section && l.start >= start && l.start < end);
        if (!members.length) return;
        const group = this.makeGroup(start, end, members);
        // As many as a person can take in are open at first.
        group.element.open = open < 48;
        open += members.length;
      });
      heading.hidden = this.groups.length === first;
      this.headings.push([heading, this.groups.slice(first)]);
    });
    this.groupOf = new Map(this.groups.flatMap((group) => group.members.map((member) => [member, group])));
    document.getElementById("count").textContent = String(model.parameters.filter((p) => p.trainable).length);
    const filter = document.getElementById("filter");
    filter.oninput = () => this.filter(filter.value.trim().toLowerCase());
    filter.hidden = model.literals.length < 12;
    if (!this.groups.length) this.box.append(Object.assign(document.createElement("p"), { className: "nothing", textContent: "This program has no numbers to move." }));
  }

  makeGroup(start, end, members) {
    const element = document.createElement("details");
    const summary = document.createElement("summary");
    const line = this.model.text.slice(0, start).split("\n").length;
    const place = Object.assign(document.createElement("span"), { className: "line", textContent: String(line) });
    const heading = document.createElement("code");
    summary.append(place, heading);
    element.append(summary);
    this.box.append(element);
    const group = { element, heading, start, end, members, made: false };
    element.ontoggle = () => element.open && this.fill(group);
    this.groups.push(group);
    this.head(group);
    return group;
  }

  head(group) {
    group.heading.textContent = this.model.written(group.start, group.end).replace(/\s+/g, " ").replace(/(?<=\() | (?=[.)])/g, "");
  }

  fill(group) {
    if (group.made) return;
    group.made = true;
    const rows = group.members.map((literal) => {
      const row = new Row(this.model, literal, this.code);
      this.rows.set(literal, row);
      return row.element;
    });
    group.element.append(...rows);
  }

  update(literal) {
    this.rows.get(literal)?.update();
    // A statement may have numbers in several sections.
    for (const group of this.groups) if (group.start === this.groupOf.get(literal).start) this.head(group);
  }

  // Opens a literal's group and gives its control the focus.
  focus(literal) {
    const group = this.groupOf.get(literal);
    group.element.hidden = false;
    group.element.open = true;
    this.fill(group);
    const row = this.rows.get(literal);
    row.element.hidden = false;
    row.element.scrollIntoView({ block: "nearest" });
    row.main.focus();
  }

  filter(words) {
    for (const group of this.groups) {
      const whole = group.heading.textContent.toLowerCase().includes(words);
      const named = group.members.map((literal) => {
        const name = this.model.parameters[literal.parameter]?.name ?? literal.label;
        return name.toLowerCase().includes(words);
      });
      group.element.hidden = !(whole || named.includes(true));
      if (words && !group.element.hidden && named.includes(true)) group.element.open = true;
      if (group.element.open) this.fill(group);
      group.members.forEach((literal, i) => {
        const row = this.rows.get(literal);
        if (row) row.element.hidden = Boolean(words) && named.includes(true) && !named[i];
      });
    }
    for (const [heading, groups] of this.headings) heading.hidden = groups.every((group) => group.element.hidden);
  }
}
