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
const BOUNDS_TESTS = ['packages/runtime/src/https-connections.int.test.ts']
const KEYS_TESTS = ['services/ap/src/zn/naf-keys.test.ts']
const CRL_TESTS = ['services/ap/src/revocation.int.test.ts']
const AUTHORITIES = 'services/ap/src/tls/ue-authorities.ts'
const AUTHORITIES_TESTS = ['services/ap/src/tls/ue-authorities.test.ts']
const LISTENER = 'services/ap/src/tls/digest-listener.ts'

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
    name: 'http-linger',
    file: 'packages/runtime/src/https-exchange.ts',
    code: 'setTimeout(() => socket.destroy(), LINGER_MS)',
    without: 'setTimeout(() => {}, LINGER_MS)',
    tests: BOUNDS_TESTS,
  },
  {
    name: 'http-answer-time',
    file: 'packages/runtime/src/https-exchange.ts',
    code: 'socket.destroy()',
    without: '',
    tests: BOUNDS_TESTS,
  },
  {
    name: 'http-connections',
    file: 'packages/runtime/src/https-connections.ts',
    code: 'if (this.#size >= connectionsMax)',
    without: 'if (false)',
    tests: BOUNDS_TESTS,
  },
  {
    name: 'http-source-connections',
    file: 'packages/runtime/src/https-connections.ts',
    code: 'if (this.#bySource.of(source) >= connectionsPerSourceMax)',
    without: 'if (false)',
    tests: BOUNDS_TESTS,
  },
  {
    name: 'http-site-connections',
    file: 'packages/runtime/src/https-connections.ts',
    code: 'site !== undefined && this.#bySite.of(site) >= siteMax',
    without: 'false',
    tests: BOUNDS_TESTS,
  },
  {
    name: 'source-behind-translator',
    file: 'packages/core/src/source-network.ts',
    code: '!IPV4_BEHIND.includes(textOf(groups.slice(0, GROUPS - 2)))',
    without: 'true',
    tests: ['packages/core/src/source-network.test.ts'],
  },
  {
    name: 'public-chain',
    file: 'packages/runtime/src/https-certificate.ts',
    code: 'createSecureContext({ cert, key })',
    without: '',
    tests: ['packages/runtime/src/https-certificate.int.test.ts'],
  },
  {
    name: 'https-no-ticket',
    file: 'packages/runtime/src/https-server.ts',
    code: 'secureOptions: constants.SSL_OP_NO_TICKET,',
    without: '',
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
    code: 'this.#tries.isSpent(credentials.username, source)',
    without: 'false',
    tests: DIGEST_TESTS,
  },
  {
    name: 'name-length',
    file: AUTHENTICATOR,
    code: 'credentials.username.length > NAME_CHARS_MAX',
    without: 'false',
    tests: OPEN_TESTS,
  },
  {
    name: 'key-btid',
    file: 'services/ap/src/zn/naf-keys.ts',
    code: "if (!isBtid(btid)) throw new LookupError('unknown')",
    without: 'if (!isBtid(btid)) void 0',
    tests: KEYS_TESTS,
  },
  {
    name: 'key-unknown-source',
    file: 'services/ap/src/zn/naf-keys.ts',
    code: '!this.#unknown.has(request.source)',
    without: 'false',
    tests: KEYS_TESTS,
  },
  {
    name: 'key-asked-source',
    file: 'services/ap/src/zn/naf-keys.ts',
    code: 'this.#askedOfSource.of(request.source) >= ASKED_OF_SOURCE_MAX',
    without: 'false',
    tests: KEYS_TESTS,
  },
  {
    name: 'psk-identities',
    file: HANDSHAKE,
    code: 'if (this.#named >= IDENTITIES_MAX) return',
    without: '',
    tests: HANDSHAKE_TESTS,
  },
  {
    name: 'wrong-passwords',
    file: AUTHENTICATOR,
    code: 'isPassword && this.#tries.isSourceSpent(source)',
    without: 'false',
    tests: OPEN_TESTS,
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
    code: 'if (!socket.authorized)',
    without: 'if (false)',
    tests: MEANS_TESTS,
  },
  {
    name: 'ue-no-ticket',
    file: LISTENER,
    code: 'secureOptions: constants.SSL_OP_NO_TICKET,',
    without: '',
    tests: CRL_TESTS,
  },
  {
    name: 'certificate-end',
    file: LISTENER,
    code: 'clock.now() >= endMs',
    without: 'false',
    tests: CRL_TESTS,
  },
  {
    name: 'certificate-outdated',
    file: LISTENER,
    code: 'judgedBy.get(socket) !== authorities?.trust',
    without: 'false',
    tests: CRL_TESTS,
  },
  {
    name: 'certificate-place',
    file: LISTENER,
    code: 'localAddress}',
    without: 'localPort}',
    tests: CRL_TESTS,
  },
  {
    name: 'ue-crl-form',
    file: AUTHORITIES,
    code: "tryInTls(crlFile, { ca, crl }, 'holds a revocation list that TLS cannot read')",
    without: '',
    tests: AUTHORITIES_TESTS,
  },
  {
    name: 'ue-ca-bundle',
    file: AUTHORITIES,
    code: 'blocks.length !== text.split(CERTIFICATE_BEGIN).length - 1',
    without: 'false',
    tests: AUTHORITIES_TESTS,
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
    name: 'zb-route-role',
    file: 'services/ap/src/zb/servers.ts',
    code: '{ ...route, identity, metrics, limits }',
    without: "{ ...route, role: 'presence', identity, metrics, limits }",
    tests: ['services/ap/src/zb/servers.int.test.ts'],
  },
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
