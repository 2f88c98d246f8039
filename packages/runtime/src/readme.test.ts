import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { sharedShape } from './config.ts'
import { renderConfigTable } from './config-table.ts'

const file = new URL('../README.md', import.meta.url)
const place = /(<!-- settings: sharedShape -->\n)[\s\S]*?(<!-- \/settings -->)/

test('the table of settings in the README is the schema’s', () => {
  const text = readFileSync(file, 'utf8')
  const wanted = text.replace(place, `$1${renderConfigTable(sharedShape)}$2`)
  if (process.env.GOLDEN === '1') writeFileSync(file, wanted)
  else assert.equal(text, wanted, 'GOLDEN=1 node --test packages/runtime/src/readme.test.ts rewrites it')
})
