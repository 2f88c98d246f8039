import 'reflect-metadata'
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import type { Clock } from '@rollcall/core'
import { type Authority, BACKDATE_MS, exportKey, KEY_ALGORITHM } from './authority.ts'
import type { PemPair } from './files.ts'
import { type LeafRequest, spiffeIdOf } from './leaf-request.ts'

const DAY_MS = 86_400_000
/** How long a leaf lives unless asked otherwise. */
export const LEAF_LIFETIME_MS = 90 * DAY_MS
/** A leaf with less left than this is made anew: a stack that starts today runs for a month without a thought. */
const LEAF_LEFT_MS_MIN = 30 * DAY_MS

/** Signs a fresh key pair with the SPIFFE URI first, then others, DNS names, addresses, for both ends of a connection. */
export async function makeLeaf(
  authority: Authority,
  trustDomain: string,
  leaf: LeafRequest,
  clock: Clock,
  lifetimeMs: number,
): Promise<PemPair> {
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify'])
  const now = clock.now()
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: `CN=${leaf.name}, O=${trustDomain}`,
      issuer: authority.subject,
      // A lifetime at or below zero makes a certificate that has ended, for tests: it begins before that.
      notBefore: new Date(now - BACKDATE_MS + Math.min(0, lifetimeMs)),
      notAfter: new Date(now + lifetimeMs),
      signingAlgorithm: KEY_ALGORITHM,
      signingKey: authority.signingKey,
      publicKey: keys.publicKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
        alternativeNames(trustDomain, leaf),
        await x509.AuthorityKeyIdentifierExtension.create(
          new x509.X509Certificate(authority.pem.certificate),
          false,
          webcrypto,
        ),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  )
  return { certificate: `${certificate.toString('pem')}\n`, key: await exportKey(keys.privateKey) }
}

/** Whether `pem` says what `leaf` asks for, by this authority, with enough time left. */
export function isLeafCurrent(
  pem: PemPair,
  authority: Authority,
  trustDomain: string,
  leaf: LeafRequest,
  clock: Clock,
): boolean {
  const certificate = new X509Certificate(pem.certificate)
  const names = new x509.X509Certificate(pem.certificate).getExtension(x509.SubjectAlternativeNameExtension)
  return (
    certificate.verify(authority.certificate.publicKey) &&
    certificate.checkPrivateKey(createPrivateKey(pem.key)) &&
    certificate.validToDate.getTime() - clock.now() > LEAF_LEFT_MS_MIN &&
    names !== null &&
    Buffer.from(names.rawData).equals(Buffer.from(alternativeNames(trustDomain, leaf).rawData))
  )
}

function alternativeNames(trustDomain: string, leaf: LeafRequest): x509.SubjectAlternativeNameExtension {
  return new x509.SubjectAlternativeNameExtension([
    ...(leaf.role === undefined ? [] : [{ type: 'url' as const, value: spiffeIdOf(trustDomain, leaf.role) }]),
    ...(leaf.uris ?? []).map((value) => ({ type: 'url' as const, value })),
    ...leaf.dnsNames.map((value) => ({ type: 'dns' as const, value })),
    ...(leaf.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
  ])
}
