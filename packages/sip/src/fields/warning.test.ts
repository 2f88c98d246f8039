import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuses } from '../testing/same-again.ts'
import { formatWarning, parseWarnings } from './warning.ts'

test('Warning is code, agent and text (the examples of RFC 3261 section 20.43)', () => {
  const lines = [
    '307 isi.edu "Session parameter \'foo\' not understood"',
    '301 isi.edu "Incompatible network address type \'E.164\'", 399 [::1]:5060 "a, \\"b\\""',
  ]
  const warnings = parseWarnings(lines)
  assert.deepEqual(warnings, [
    { code: 307, agent: 'isi.edu', text: "Session parameter 'foo' not understood" },
    { code: 301, agent: 'isi.edu', text: "Incompatible network address type 'E.164'" },
    { code: 399, agent: '[::1]:5060', text: 'a, "b"' },
  ])
  assert.deepEqual(parseWarnings([warnings.map(formatWarning).join(', ')]), warnings)
  assert.deepEqual(parseWarnings([]), [])
})

test('a code of other than three digits, or a text without quotes, is refused (RFC 3261 section 20.43)', () => {
  refuses('Warning', (text) => parseWarnings([text]), [
    '1812 overture "In Progress"',
    '30 a "b"',
    '099 a "b"',
    '301 a b',
    '301 "b"',
    '301 a "b',
    '301 a "b" c',
    '301a "b"',
    'abc a "b"',
  ])
})
