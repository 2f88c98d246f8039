// x509 asks for it and does not bring it: it must be loaded first.
import 'reflect-metadata'
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import type { Clock } from '@rollcall/core'
import { TrustDomainIncompleteError } from './errors.ts'
import { isWhole, type PemPair, pairFiles, readPair, writePair } from './files.ts'
import { checkTrustDomain } from './leaf-request.ts'

/** ECDSA on P-256 with SHA-256: what every TLS stack here speaks and signs fast. */
export const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

const DAY_MS = 86_400_000
const AUTHORITY_LIFETIME_MS = 3_650 * DAY_MS
/** An authority with less left than a leaf may live is replaced, and its leaves with it. */
const AUTHORITY_LEFT_MS_MIN = 180 * DAY_MS
/** Machines' clocks differ: a certificate is valid from a little before it was made. */
export const BACKDATE_MS = 5 * 60_000

/** A certification authority of a development trust domain, ready to sign. */
export interface Authority {
  readonly pem: PemPair
  readonly certificate: X509Certificate
  readonly subject: string
  readonly signingKey: webcrypto.CryptoKey
}

/**
 * Reads `ca.crt` and `ca.key`, or makes them when they are not there, belong to another trust domain or end soon.
 *
 * @throws TrustDomainIncompleteError when only one of the two is there.
 */
export async function obtainAuthority(folder: string, trustDomain: string, clock: Clock): Promise<Authority> {
  checkTrustDomain(trustDomain)
  const kept = await readPair(folder, AUTHORITY_NAME)
  const { certFile, keyFile } = pairFiles(folder, AUTHORITY_NAME)
  if (isWhole(kept)) {
    if (isUsable(kept, trustDomain, clock)) return openAuthority(kept)
  } else if (kept.certificate !== undefined) throw new TrustDomainIncompleteError(keyFile)
  else if (kept.key !== undefined) throw new TrustDomainIncompleteError(certFile)
  const made = await makeAuthority(trustDomain, clock)
  await writePair(folder, AUTHORITY_NAME, made)
  return openAuthority(made)
}

/** File name of the authority's pair. */
const AUTHORITY_NAME = 'ca'

function isUsable(pem: PemPair, trustDomain: string, clock: Clock): boolean {
  const certificate = new X509Certificate(pem.certificate)
  return (
    certificate.ca &&
    certificate.checkPrivateKey(createPrivateKey(pem.key)) &&
    new x509.X509Certificate(pem.certificate).subject === subjectOf(trustDomain) &&
    certificate.validToDate.getTime() - clock.now() > AUTHORITY_LEFT_MS_MIN
  )
}

function openAuthority(pem: PemPair): Authority {
  return {
    pem,
    certificate: new X509Certificate(pem.certificate),
    subject: new x509.X509Certificate(pem.certificate).subject,
    signingKey: createPrivateKey(pem.key).toCryptoKey(KEY_ALGORITHM, false, ['sign']),
  }
}

async function makeAuthority(trustDomain: string, clock: Clock): Promise<PemPair> {
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify'])
  const now = clock.now()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: subjectOf(trustDomain),
      notBefore: new Date(now - BACKDATE_MS),
      notAfter: new Date(now + AUTHORITY_LIFETIME_MS),
      signingAlgorithm: KEY_ALGORITHM,
      keys,
      extensions: [
        // No authority below this one: it signs leaves alone (RFC 5280 section 4.2.1.9).
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  )
  return { certificate: `${certificate.toString('pem')}\n`, key: await exportKey(keys.privateKey) }
}

/** PKCS #8 PEM of a key made here. */
export async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key))
  const key8 = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  return key8.export({ format: 'pem', type: 'pkcs8' }).toString()
}

function subjectOf(trustDomain: string): string {
  return `CN=Rollcall development CA, O=${trustDomain}`
}
