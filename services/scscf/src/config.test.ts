import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ConfigError, loadConfig, renderConfigTable, sharedShape } from '@rollcall/runtime'
import { checkConfig, hostOf, type ScscfConfig, scscfShape } from './config.ts'

const README = fileURLToPath(new URL('../README.md', import.meta.url))
const NEEDED = ['ROLLCALL_NATS_URL', 'ROLLCALL_REALM', 'ROLLCALL_HOP_ROUTES', 'ROLLCALL_HSS_TARGET']
const MARKED = /(<!-- settings -->\n)[\s\S]*(<!-- \/settings -->)/

test("the README's table of settings is the schema's; ROLLCALL_GOLDEN=write renews it", async () => {
  const text = await readFile(README, 'utf8')
  const current = text.replace(MARKED, (_, begin, end) => `${begin}\n${renderConfigTable(scscfShape)}\n${end}`)
  if (process.env.ROLLCALL_GOLDEN === 'write') await writeFile(README, current)
  else assert.equal(text, current)
})

test('all that is wrong with the settings is told at once', () => {
  const env = { ROLLCALL_NATS_URL: 'nowhere' }
  assert.throws(
    () => loadConfig({ service: 'scscf', shape: { ...sharedShape, ...scscfShape }, env }),
    (error) => {
      assert.ok(error instanceof ConfigError)
      const names = error.problems.map(({ name }) => name)
      for (const name of NEEDED) assert.ok(names.includes(name), name)
      return true
    },
  )
})

test('a shortest registration that is longer than the longest is refused', () => {
  const config = { ROLLCALL_SCSCF_EXPIRES_MIN_SECONDS: 61, ROLLCALL_SCSCF_EXPIRES_MAX_SECONDS: 60 } as ScscfConfig
  assert.throws(() => checkConfig(config), ConfigError)
  checkConfig({ ...config, ROLLCALL_SCSCF_EXPIRES_MIN_SECONDS: 60 })
})

test('without a host of its own it has the first one of the realm', () => {
  assert.equal(hostOf({ ROLLCALL_REALM: 'ims.example.com' } as ScscfConfig), 'scscf-0.scscf.ims.example.com')
  const own = { ROLLCALL_REALM: 'ims.example.com', ROLLCALL_SCSCF_HOST: 'S.example.com' } as ScscfConfig
  assert.equal(hostOf(own), 's.example.com')
})
