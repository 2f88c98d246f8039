import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { inspect } from 'node:util'
import { loadCredentials, parseCredentials, saveCredentials } from './credentials.ts'
import { CredentialsError } from './errors.ts'
import { placeOf, testCredentials } from './testing/world.ts'

const K = '00112233445566778899aabbccddeeff'
const GOOD = {
  impi: '001010000000001@ims.example',
  impus: ['sip:alice@ims.example', 'tel:+15550100'],
  domain: 'ims.example',
  k: K,
  opc: K,
  algorithm: 'milenage',
  pcscf: 'udp:127.0.0.1:15060',
  encapsulation: '127.0.0.1:14500',
  localAddress: '127.0.1.1',
  instance: 'urn:gsma:imei:35000000-000001-0',
}

function problemsOf(json: unknown): readonly string[] {
  try {
    parseCredentials(json, 'file')
    return []
  } catch (error) {
    assert.ok(error instanceof CredentialsError)
    assert.doesNotMatch(error.message, new RegExp(K), 'no key in a message')
    return error.problems
  }
}

test('reads a credentials file; keys do not show', () => {
  const credentials = parseCredentials(GOOD, 'file')
  assert.equal(credentials.impus[0], 'sip:alice@ims.example')
  assert.deepEqual(credentials.pcscf, { address: '127.0.0.1', port: 15_060 })
  assert.doesNotMatch(inspect(credentials, { depth: 9 }) + JSON.stringify(credentials), new RegExp(K))
})

test('tells every problem at once, by field', () => {
  const { k, instance, ...rest } = GOOD
  assert.deepEqual(problemsOf({ ...rest, opc: `${k}00`, pcscf: '127.0.0.1:15060', impus: ['nobody'], colour: 1 }), [
    'colour is unknown',
    'impus[0] is no public identity',
    'k is missing',
    'opc must be 32 hexadecimal digits',
    'pcscf must be udp:ADDRESS:PORT',
    'instance is missing',
  ])
  assert.equal(instance, GOOD.instance)
})

test('takes TUAK with TOPc and a K of 128 or 256 bits, and says what is wrong with others (TS 35.231 clause 5)', () => {
  const { opc, ...rest } = GOOD
  const tuak = { ...rest, algorithm: 'tuak', topc: 'ab'.repeat(32) }
  for (const k of ['cd'.repeat(16), 'cd'.repeat(32)]) {
    const { keys } = parseCredentials({ ...tuak, k }, 'test')
    assert.ok('topc' in keys && keys.topc.length === 32 && keys.k.length === k.length / 2)
  }
  assert.deepEqual(problemsOf({ ...GOOD, algorithm: 'tuak' }), ['opc does not belong to tuak', 'topc is missing'])
  assert.deepEqual(problemsOf({ ...GOOD, topc: tuak.topc }), ['topc does not belong to milenage'])
  assert.deepEqual(problemsOf({ ...tuak, k: 'cd'.repeat(24), topc: opc }), [
    'k must be 32 or 64 hexadecimal digits',
    'topc must be 64 hexadecimal digits',
  ])
  assert.deepEqual(problemsOf({ ...GOOD, algorithm: 'comp128' }), ['algorithm must be milenage or tuak'])
})

test('what is no object is refused', () => {
  for (const json of [null, [], 'text', 1]) assert.equal(problemsOf(json).length, 1)
})

test('a file that is absent or no JSON is told by its name, without its text', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-ue-'))
  try {
    await assert.rejects(loadCredentials(join(folder, 'none.json')), /none\.json: cannot be read \(ENOENT\)/)
    const file = join(folder, 'broken.json')
    await writeFile(file, `{"k": "${K}"`)
    await assert.rejects(loadCredentials(file), (error: unknown) => {
      assert.ok(error instanceof CredentialsError)
      assert.doesNotMatch(inspect(error), new RegExp(K))
      return /is no JSON/.test(error.message)
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('what is saved reads back the same, for its owner alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-ue-'))
  try {
    const file = join(folder, 'alice.json')
    const credentials = testCredentials(placeOf(9))
    await saveCredentials(file, credentials)
    const again = await loadCredentials(file)
    assert.ok(
      again.keys.k.equals(credentials.keys.k) &&
        'opc' in again.keys &&
        'opc' in credentials.keys &&
        again.keys.opc.equals(credentials.keys.opc),
    )
    assert.deepEqual({ ...again, keys: undefined }, { ...credentials, keys: undefined })
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.match(await readFile(file, 'utf8'), /"algorithm": "milenage"/)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('the places of Ut may stand there; a file of authorities is found beside the credentials', async () => {
  const ut = {
    bsf: 'http://127.0.0.1:15080',
    xcapRoot: 'https://xcap.example/',
    ap: '127.0.0.1:15443',
    caFile: 'ca.pem',
  }
  const read = parseCredentials({ ...GOOD, ...ut }, 'test').ut
  assert.deepEqual(read, { ...ut, ap: { address: '127.0.0.1', port: 15_443 } })
  assert.equal('ut' in parseCredentials(GOOD, 'test'), false)
  assert.deepEqual(problemsOf({ ...GOOD, bsf: 'ftp://x', xcapRoot: 'http://x/', ap: 'x', caFile: 1 }), [
    'bsf must be http://HOST:PORT',
    'xcapRoot must be https://HOST/',
    'ap must be ADDRESS:PORT',
    'caFile must be a text',
  ])
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-ue-'))
  try {
    const file = join(folder, 'alice.json')
    await saveCredentials(file, parseCredentials({ ...GOOD, ...ut }, 'test'))
    const again = await loadCredentials(file)
    assert.deepEqual(again.ut, { ...read, caFile: join(folder, 'ca.pem') })
  } finally {
    await rm(folder, { recursive: true })
  }
})
