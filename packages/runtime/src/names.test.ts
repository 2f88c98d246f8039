import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ATTRIBUTES, AUDIT_EVENTS, isSpanName, METRICS } from './names.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Sources that speak to OpenTelemetry without this package's types: there only a test can look. */
const untyped = globSync(['packages/*/src/**/*.ts', 'services/*/src/**/*.ts'], { cwd: root })
  .filter((file) => !file.startsWith('packages/runtime/') && !file.endsWith('.test.ts'))
  .map((file) => ({ file, text: readFileSync(`${root}/${file}`, 'utf8') }))
  .filter(({ text }) => text.includes("from '@opentelemetry/api'"))

test('packages that use the OpenTelemetry API themselves emit names of the registry alone', () => {
  assert.ok(untyped.length > 0)
  for (const { file, text } of untyped) {
    const attributes = text.matchAll(/'((?:rollcall|rpc|error)\.[a-z_.]+)'(?=:|,)/g)
    for (const [, name = ''] of attributes) assert.ok(name in ATTRIBUTES, `${file}: ${name}`)
    for (const [, name = ''] of text.matchAll(/startSpan\(\s*'([^']+)'/g))
      assert.ok(isSpanName(name), `${file}: ${name}`)
    for (const [, name = ''] of text.matchAll(/create(?:Counter|Histogram|\w*Gauge)\(\s*'([^']+)'/g)) {
      assert.ok(name in METRICS, `${file}: ${name}`)
    }
  }
})

test('names of attributes and audit events are well made, and no attribute asks for an identity as it is', () => {
  for (const name of Object.keys(ATTRIBUTES)) {
    assert.match(name, /^(?:rollcall|rpc|error)(?:\.[a-z][a-z0-9_]*)+$/)
    assert.doesNotMatch(name, /(?:impi|impu|watcher|presentity|call_id)$/)
  }
  for (const name of AUDIT_EVENTS) assert.match(name, /^[a-z]+\.[a-z-]+$/)
  assert.equal(new Set(AUDIT_EVENTS).size, AUDIT_EVENTS.length)
})
