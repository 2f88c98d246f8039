import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { seededRandom } from '@rollcall/core'
import { createTrustDomain } from '@rollcall/pki'
import { InvalidCrlError } from '../errors.ts'
import { Revocations } from '../testing/revocations.ts'
import { readRevocationLists } from './crl.ts'

const run = promisify(execFile)

test('reads when a list ends, as openssl does, and several lists of a file (RFC 5280 section 5.1)', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-crl-'))
  t.after(() => rm(folder, { recursive: true }))
  await createTrustDomain({ folder, trustDomain: 'ues.test', leaves: [] })
  const revocations = await Revocations.create(folder)
  const texts: string[] = []
  for (const isEnded of [false, true]) {
    await revocations.write({ isEnded })
    const text = await readFile(revocations.file, 'utf8')
    texts.push(text)
    const { stdout } = await run('openssl', ['crl', '-in', revocations.file, '-noout', '-nextupdate'])
    const expectedMs = Date.parse(stdout.trim().replace('nextUpdate=', ''))
    assert.deepEqual(
      readRevocationLists(text).map(({ nextUpdateMs }) => nextUpdateMs),
      [expectedMs],
    )
  }
  assert.equal(readRevocationLists(`# two of them\n${texts.join('\n')}`).length, 2)
})

test('whatever stands in a file, it is read or refused (RFC 5280 section 5.1)', () => {
  const random = seededRandom('crl')
  // As small as a list can be: an algorithm, an issuer without a name, two times.
  const times = Buffer.from('\x17\x0d260101000000Z\x17\x0d270101000000Z', 'latin1')
  const whole = Buffer.concat([Buffer.from('30293027300506032b65703000', 'hex'), times])
  let read = 0
  for (let n = 0; n < 3_000; n += 1) {
    const octets = Buffer.from(whole)
    const [at = 0, value = 0, cut = 0] = random.bytes(3)
    octets[at % octets.length] = value
    const pem = octets.subarray(0, n % 3 === 0 ? cut % octets.length : octets.length).toString('base64')
    try {
      readRevocationLists(`-----BEGIN X509 CRL-----\n${pem}\n-----END X509 CRL-----\n`)
      read += 1
    } catch (error) {
      assert.ok(error instanceof InvalidCrlError, String(error))
    }
  }
  assert.ok(read > 0)
  const good = `-----BEGIN X509 CRL-----\n${whole.toString('base64')}\n-----END X509 CRL-----\n`
  assert.equal(readRevocationLists(good).length, 1)
  assert.throws(
    () => readRevocationLists(good + good.replace('\nM', '\n!')),
    InvalidCrlError,
    'none is left out in silence',
  )
  for (const text of ['', 'x', '-----BEGIN X509 CRL-----', '-----BEGIN X509 CRL-----\n-----END X509 CRL-----']) {
    assert.throws(() => readRevocationLists(text), InvalidCrlError)
  }
})
