import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from './root.ts'

const MISTAKES = 28

interface Row {
  readonly number: number
  readonly tests: readonly { readonly file: string; readonly title: string }[]
}

function readRows(): Row[] {
  const lines = readFileSync(join(ROOT, 'docs/known-mistakes.md'), 'utf8').split('\n')
  return lines
    .filter((line) => /^\| \d+ \|/.test(line))
    .map((line) => ({
      number: Number(/\d+/.exec(line)?.[0]),
      tests: [...line.matchAll(/\]\(\.\.\/([^)]+)\): “([^”]+)”/g)].map(([, file = '', title = '']) => ({
        file,
        title,
      })),
    }))
}

test('docs/known-mistakes.md has every row, each with tests that are there', () => {
  const rows = readRows()
  assert.deepEqual(
    rows.map(({ number }) => number),
    Array.from({ length: MISTAKES }, (_, i) => i + 1),
  )
  for (const { number, tests } of rows) {
    assert.ok(tests.length > 0, `row ${number} has no test`)
    for (const { file, title } of tests) {
      assert.ok(file.endsWith('.test.ts'), `row ${number}: ${file}`)
      assert.ok(readFileSync(join(ROOT, file), 'utf8').includes(title), `row ${number}: no “${title}” in ${file}`)
    }
  }
})
