import type { Guard } from '../guard.ts'

const NONCES = 'packages/digest/src/nonce-keeper.ts'
const NONCE_TESTS = ['packages/digest/src/nonce-keeper.test.ts']
const PROOF = 'packages/digest/src/check-proof.ts'
const PROOF_TESTS = ['packages/digest/src/check-proof.test.ts']
const DIGEST_TESTS = ['services/ap/src/gba-digest.int.test.ts']
const MEANS_TESTS = ['services/ap/src/means.int.test.ts']
const ZB_TESTS = ['services/ap/src/zb.int.test.ts']
const PSK_TESTS = ['services/ap/src/psk.int.test.ts']
const HANDSHAKE = 'services/ap/src/tls/psk-handshake.ts'
const HANDSHAKE_TESTS = ['services/ap/src/tls/psk-handshake.test.ts']
const AUTHENTICATOR = 'services/ap/src/ua/authenticator.ts'
const OPEN_TESTS = ['services/ap/src/ua/authenticator.test.ts']
const HTTPS_TESTS = ['packages/runtime/src/https-server.int.test.ts']

/** Guards of the Authentication Proxy, and of digest and HTTPS, which it stands on. */
export const AP_GUARDS: readonly Guard[] = [
  // digest
  {
    name: 'nonce-age',
    file: NONCES,
    code: 'if (ageMs > this.#lifetimeMs) return false',
    without: '',
    tests: NONCE_TESTS,
  },
  { name: 'nonce-forgotten', file: NONCES, code: 'issuedMs > this.#floorMs', without: 'true', tests: NONCE_TESTS },
  {
    name: 'nonce-tag',
    file: NONCES,
    code: 'if (!timingSafeEqual(octets.subarray(BODY_OCTETS), this.#tagOf(body, scope))) return undefined',
    without: '',
    tests: NONCE_TESTS,
  },
  {
    name: 'nonce-count',
    file: NONCES,
    code: 'if (back === 0 || back > NC_WINDOW) return false',
    without: '',
    tests: NONCE_TESTS,
  },
  {
    name: 'nonce-count-again',
    file: NONCES,
    code: 'if ((this.#below & bit) !== 0n) return false',
    without: '',
    tests: NONCE_TESTS,
  },
  { name: 'proof-qop', file: PROOF, code: '|| !o.qop.includes(qop)', without: '', tests: PROOF_TESTS },
  {
    name: 'proof-algorithm',
    file: PROOF,
    code: 'parseDigestAlgorithm(given.algorithm) !== o.algorithm',
    without: 'false',
    tests: PROOF_TESTS,
  },
  {
    name: 'proof-response',
    file: PROOF,
    code: '!sameResponse(responseOf({ ...answered, method, body }), given.response.toLowerCase())',
    without: 'false',
    tests: PROOF_TESTS,
  },
  {
    name: 'proof-nonce',
    file: PROOF,
    code: "if (!nonces.isGood(given.nonce, scope)) return { kind: 'stale' }",
    without: '',
    tests: PROOF_TESTS,
  },
  {
    name: 'proof-replay',
    file: PROOF,
    code: '!nonces.claim(given.nonce, scope, nc)',
    without: 'false',
    tests: PROOF_TESTS,
  },
  // HTTPS inside
  {
    name: 'https-client-certificate',
    file: 'packages/runtime/src/https-server.ts',
    code: 'requestCert: true, rejectUnauthorized: true',
    without: 'requestCert: true, rejectUnauthorized: false',
    tests: HTTPS_TESTS,
  },
  {
    name: 'https-role',
    file: 'packages/runtime/src/https-server.ts',
    code: '!o.roles.includes(peer.role)',
    without: 'false',
    tests: HTTPS_TESTS,
  },
  {
    name: 'http-one-host',
    file: 'packages/runtime/src/https-exchange.ts',
    code: "countOf(request.rawHeaders, 'host') > 1",
    without: 'false',
    tests: HTTPS_TESTS,
  },
  {
    name: 'http-length',
    file: 'packages/runtime/src/https-exchange.ts',
    code: 'Number(length) > limits.bodyBytesMax',
    without: 'false',
    tests: HTTPS_TESTS,
  },
  {
    name: 'http-body',
    file: 'packages/runtime/src/https-exchange.ts',
    code: 'if (bytes > bytesMax)',
    without: 'if (bytes < 0)',
    tests: HTTPS_TESTS,
  },
  {
    name: 'https-safe-retry',
    file: 'packages/runtime/src/https-client.ts',
    code: ' || !SAFE_METHODS.has(request.method)',
    without: '',
    tests: ['packages/runtime/src/https-client.int.test.ts'],
  },
  // who a UE is
  {
    name: 'key-expiry',
    file: 'services/ap/src/cache/expiring-cache.ts',
    code: 'if (entry.expiresMs <= this.#clock.now()) return undefined',
    without: '',
    tests: DIGEST_TESTS,
  },
  {
    name: 'digest-uri',
    file: AUTHENTICATOR,
    code: '!namesTarget(credentials.uri, request.target, naf.fqdn)',
    without: 'false',
    tests: DIGEST_TESTS,
  },
  {
    name: 'wrong-tries',
    file: AUTHENTICATOR,
    code: 'this.#tries.isSpent(credentials.username, address)',
    without: 'false',
    tests: DIGEST_TESTS,
  },
  {
    name: 'no-identity',
    file: AUTHENTICATOR,
    code: 'outcome.user.identities.length === 0',
    without: 'false',
    tests: DIGEST_TESTS,
  },
  {
    name: 'naf-of-connection',
    file: 'services/ap/src/ap.ts',
    code: 'connection.serverName !== host',
    without: 'false',
    tests: PSK_TESTS,
  },
  { name: 'gba-open', file: AUTHENTICATOR, code: " && naf.means.has('gba-digest')", without: '', tests: OPEN_TESTS },
  {
    name: 'password-open',
    file: AUTHENTICATOR,
    code: " && naf.means.has('password')",
    without: '',
    tests: OPEN_TESTS,
  },
  {
    name: 'certificate-open',
    file: AUTHENTICATOR,
    code: "!naf.means.has('client-certificate')",
    without: 'false',
    tests: MEANS_TESTS,
  },
  {
    name: 'password-algorithm',
    file: 'services/ap/src/ua/password-digest.ts',
    code: '|| !algorithms.includes(algorithm)',
    without: '',
    tests: MEANS_TESTS,
  },
  {
    name: 'ue-certificate',
    file: 'services/ap/src/ua/client-certificate.ts',
    code: '|| !socket.authorized',
    without: '',
    tests: MEANS_TESTS,
  },
  { name: 'psk-open', file: HANDSHAKE, code: "if (!naf.means.has('gba-psk')) return", without: '', tests: PSK_TESTS },
  {
    name: 'psk-expiry',
    file: AUTHENTICATOR,
    code: 'key.expiresMs <= this.#o.clock.now()',
    without: 'false',
    tests: PSK_TESTS,
  },
  { name: 'psk-shown', file: HANDSHAKE, code: 'isByKey ? ', without: 'isByKey || key ? ', tests: HANDSHAKE_TESTS },
  {
    name: 'psk-one-identity',
    file: HANDSHAKE,
    code: '|| (this.#taken !== undefined && this.#taken !== identity)',
    without: '',
    tests: HANDSHAKE_TESTS,
  },
  // what goes to the server behind
  {
    name: 'traversal',
    file: 'services/ap/src/zb/target.ts',
    code: "document.split('/').some((segment) => NOTHING.test(segment))",
    without: 'false',
    tests: ZB_TESTS,
  },
  {
    name: 'encoded-separator',
    file: 'services/ap/src/zb/target.ts',
    code: "/%00|%5c/i.test(document) || document.slice(1).includes('//')",
    without: 'false',
    tests: ZB_TESTS,
  },
  {
    name: 'intended-identity',
    file: 'services/ap/src/zb/intended-identity.ts',
    code: '!user.identities.includes(intended)',
    without: 'false',
    tests: ZB_TESTS,
  },
  {
    name: 'asserted-identity-from-outside',
    file: 'services/ap/src/zb/headers.ts',
    code: 'for (const name of FORWARDED)',
    without: 'for (const name of Object.keys(request.headers))',
    tests: ZB_TESTS,
  },
]
