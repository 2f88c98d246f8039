import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '@rollcall/core'
import { createTrustDomain } from '@rollcall/pki'
import { TlsIdentityError } from '@rollcall/runtime'
import { brokenBehindTime, Revocations } from '../testing/revocations.ts'
import { UeAuthorities } from './ue-authorities.ts'

const CERTIFICATE = /-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=\s]*)/

test('what TLS cannot read is refused at the start, and later the last good ones stay (TS 33.222 clause 5.5)', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-ue-authorities-'))
  t.after(() => rm(folder, { recursive: true }))
  await createTrustDomain({ folder, trustDomain: 'ues.test', leaves: [] })
  const [caFile, crlFile] = [join(folder, 'ca.crt'), (await Revocations.create(folder)).file]
  const [ca, crl] = [await readFile(caFile, 'latin1'), await readFile(crlFile, 'latin1')]
  const bad = [
    [crlFile, 'holds a revocation list that TLS cannot read', brokenBehindTime(crl)],
    [crlFile, 'holds a revocation list that TLS cannot read', crl + brokenBehindTime(crl)],
    [crlFile, 'holds a revocation list that is no PEM', crl + crl.replace('\nM', '\n!')],
    // Each is behind a good one.
    [caFile, 'holds a certificate that cannot be parsed', ca + ca.replace(CERTIFICATE, '$&MIIB')],
    [
      caFile,
      'holds a certificate that cannot be parsed',
      ca + ca.replace(CERTIFICATE, `-----BEGIN CERTIFICATE-----\nMIIB\n`),
    ],
    [
      caFile,
      'holds a certificate that cannot be parsed',
      ca + ca.replace(CERTIFICATE, `-----BEGIN CERTIFICATE-----\n!\n`),
    ],
    [caFile, 'holds a certificate that cannot be parsed', ca + ca.slice(0, -40)],
    [caFile, 'holds no certificate in PEM', 'nothing'],
  ] as const
  for (const [file, problem, text] of bad) {
    const refused: TlsIdentityError[] = []
    const onRefused = (error: TlsIdentityError) => void refused.push(error)
    const load = () => UeAuthorities.load({ caFile, crlFile, clock: systemClock, onRefused })
    using authorities = await load()
    const { trust } = authorities
    await writeFile(file, text)
    await authorities.reload()
    assert.equal(authorities.trust, trust)
    assert.deepEqual(
      refused.map((error) => [error.file, error.problem]),
      [[file, problem]],
    )
    await assert.rejects(load(), { name: TlsIdentityError.name, file, problem })
    await writeFile(file, file === caFile ? ca : crl)
    await authorities.reload()
    assert.equal(authorities.trust, trust)
  }
  // A list for each of two is read.
  await writeFile(caFile, ca + ca)
  await writeFile(crlFile, crl + crl)
  using both = await UeAuthorities.load({ caFile, crlFile, clock: systemClock })
  assert.equal(both.trust.crl.length, 2)
})
