// Shows a log as a terminal would, near enough: colours, and carriage returns that write a line over.
const colours = new Set(['1', '31', '32', '33', '34', '35', '36', '90']);

export class AnsiText {
  // Keeps about `limit` characters in `output`; what is older is dropped from its top.
  constructor(output, limit) {
    this.output = output;
    this.limit = limit;
    this.kept = 0;
    this.rest = '';      // an escape sequence that has not come whole
    this.classes = [];
    this.line = document.createElement('span');
    this.output.append(this.line);
    this.returned = false;
  }

  add(text) {
    let input = this.rest + text;
    this.rest = '';
    const cut = input.lastIndexOf('\x1b');
    if (cut >= 0 && input.length - cut < 32 && !/^\x1b\[[0-9;?]*[A-Za-z]/.test(input.slice(cut))) {
      this.rest = input.slice(cut);
      input = input.slice(0, cut);
    }
    for (const part of input.split(/(\r\n|\n|\r|\x1b\[[0-9;?]*[A-Za-z])/)) {
      if (part === '') continue;
      if (part === '\n' || part === '\r\n') this.endLine();
      else if (part === '\r') this.returned = true;
      else if (part.startsWith('\x1b[')) this.escape(part);
      else this.write(part);
    }
  }

  write(text) {
    if (this.returned) {
      this.kept -= this.line.textContent.length;
      this.line.replaceChildren();
      this.returned = false;
    }
    // Other control characters are shown as what they are, not obeyed.
    const shown = text.replace(/[\x00-\x08\x0b-\x1f\x7f]/g, (c) => String.fromCharCode(c === '\x7f' ? 0x2421 : 0x2400 + c.charCodeAt(0)));
    this.kept += shown.length;
    const gap = shown.startsWith('[logstone: ') && !this.line.hasChildNodes();
    if (!this.classes.length && !gap) {
      this.line.append(shown);
      return;
    }
    const span = document.createElement('span');
    span.className = gap ? 'gap' : this.classes.join(' ');
    span.textContent = shown;
    this.line.append(span);
  }

  endLine() {
    this.returned = false;
    this.line.append('\n');
    this.kept += 1;
    this.line = document.createElement('span');
    this.output.append(this.line);
    while (this.kept > this.limit && this.output.firstChild !== this.line) {
      this.kept -= this.output.firstChild.textContent.length;
      this.output.firstChild.remove();
    }
  }

  escape(sequence) {
    if (!sequence.endsWith('m')) return;
    for (const code of sequence.slice(2, -1).split(';')) {
      if (code === '' || code === '0' || code === '39') this.classes = [];
      else if (colours.has(code)) this.classes = [...this.classes.filter((c) => c === 'c1' || code === '1'), `c${code}`];
    }
  }
}
