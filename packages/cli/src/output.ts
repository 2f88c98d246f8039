/** Where a command writes: a person's lines, or with `--json` one JSON object a line. */
export class Output {
  readonly isJson: boolean
  readonly #write: (text: string) => void

  constructor(o: { isJson: boolean; write: (text: string) => void }) {
    this.isJson = o.isJson
    this.#write = o.write
  }

  /** Tells one thing: `text` to a person, `json` to a program. A text of several lines is one thing too. */
  tell(text: string, json: Readonly<Record<string, unknown>>): void {
    this.#write(`${this.isJson ? JSON.stringify(json) : text}\n`)
  }

  /** Tells a person something that a program does not ask about. */
  remark(text: string): void {
    if (!this.isJson) this.#write(`${text}\n`)
  }
}
