import assert from 'node:assert/strict'
import { SipSyntaxError } from '../errors.ts'

/** What is written is read as the same value again; returns what was written. */
export function sameAgain<T>(value: T, format: (value: T) => string, parse: (text: string) => T): string {
  const text = format(value)
  assert.deepEqual(parse(text), value, text)
  return text
}

/** Each of the texts is refused by a typed error that names the header field. */
export function refuses(header: string, parse: (text: string) => unknown, texts: readonly string[]): void {
  for (const text of texts) {
    assert.throws(
      () => parse(text),
      (error) => error instanceof SipSyntaxError && error.header === header,
      JSON.stringify(text.slice(0, 100)),
    )
  }
}
