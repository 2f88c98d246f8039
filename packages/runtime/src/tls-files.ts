import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { PeerIdentityError, TlsIdentityError } from './errors.ts'
import { type Peer, parsePeer } from './spiffe.ts'

/** Where a service's certificate (with intermediates below it), its key and the authorities it trusts lie: PEM. */
export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
}

/** The octets of the three files, and who they say we are. */
export interface TlsMaterial extends Peer {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca: Buffer
  readonly notAfterMs: number
}

/**
 * Reads the three files and checks that they fit: the key is the certificate's, an authority in the file issued it, it
 * is valid now, and its SPIFFE ID is a role of the trust domain.
 *
 * @throws TlsIdentityError naming the file and what is wrong with it.
 */
export async function readTlsMaterial(files: TlsFiles, trustDomain: string, nowMs: number): Promise<TlsMaterial> {
  const [cert, key, ca] = await Promise.all([read(files.certFile), read(files.keyFile), read(files.caFile)])
  const [leaf, ...intermediates] = parseCertificates(files.certFile, cert)
  const authorities = parseCertificates(files.caFile, ca)
  if (!leaf) throw new TlsIdentityError(files.certFile, 'holds no certificate')
  if (authorities.length === 0) throw new TlsIdentityError(files.caFile, 'holds no certificate')
  if (!leaf.checkPrivateKey(parseKey(files.keyFile, key))) {
    throw new TlsIdentityError(files.keyFile, `is not the key of ${files.certFile}`)
  }
  if (![...intermediates, ...authorities].some((issuer) => leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey))) {
    throw new TlsIdentityError(files.certFile, `is not issued by an authority in ${files.caFile}`)
  }
  const notAfterMs = leaf.validToDate.getTime()
  if (nowMs >= notAfterMs) throw new TlsIdentityError(files.certFile, `ended at ${leaf.validTo}`)
  if (nowMs < leaf.validFromDate.getTime()) throw new TlsIdentityError(files.certFile, `begins at ${leaf.validFrom}`)
  return { cert, key, ca, notAfterMs, ...parseOwnPeer(files.certFile, leaf, trustDomain) }
}

/** Whether two readings hold the same octets. */
export function sameMaterial(a: TlsMaterial, b: TlsMaterial): boolean {
  return a.cert.equals(b.cert) && a.key.equals(b.key) && a.ca.equals(b.ca)
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    throw new TlsIdentityError(file, `cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error })
  }
}

function parseCertificates(file: string, pem: Buffer): X509Certificate[] {
  const blocks = pem.toString('latin1').match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  try {
    return blocks.map((block) => new X509Certificate(block))
  } catch (error) {
    throw new TlsIdentityError(file, 'holds a certificate that cannot be parsed', { cause: error })
  }
}

function parseKey(file: string, pem: Buffer): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(pem)
  } catch {
    // The cause is left out: OpenSSL's words about a key stay out of logs.
    throw new TlsIdentityError(file, 'holds no private key in PEM without passphrase')
  }
}

function parseOwnPeer(file: string, leaf: X509Certificate, trustDomain: string): Peer {
  try {
    return parsePeer(leaf.subjectAltName ?? '', trustDomain)
  } catch (error) {
    if (!(error instanceof PeerIdentityError)) throw error
    throw new TlsIdentityError(file, `names no role of trust domain ${trustDomain} (${error.reason})`, { cause: error })
  }
}
