import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ConfigError, loadConfig, renderConfigTable, sharedShape } from '@rollcall/runtime'
import { hssShape } from './config.ts'

const README = fileURLToPath(new URL('../README.md', import.meta.url))
const NEEDED = ['ROLLCALL_NATS_URL', 'ROLLCALL_REALM', 'ROLLCALL_HSS_SEALING_KEYS_FILE']
const MARKED = /(<!-- settings -->\n)[\s\S]*(<!-- \/settings -->)/

test("the README's table of settings is the schema's; ROLLCALL_GOLDEN=write renews it", async () => {
  const text = await readFile(README, 'utf8')
  const current = text.replace(MARKED, (_, begin, end) => `${begin}\n${renderConfigTable(hssShape)}\n${end}`)
  if (process.env.ROLLCALL_GOLDEN === 'write') await writeFile(README, current)
  else assert.equal(text, current)
})

test('all that is wrong with the settings is told at once', () => {
  const env = { ROLLCALL_NATS_URL: 'nowhere' }
  assert.throws(
    () => loadConfig({ service: 'hss', shape: { ...sharedShape, ...hssShape }, env }),
    (error) => {
      assert.ok(error instanceof ConfigError)
      const names = error.problems.map(({ name }) => name)
      for (const name of NEEDED) assert.ok(names.includes(name), name)
      return true
    },
  )
})
