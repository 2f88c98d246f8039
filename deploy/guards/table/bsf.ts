import type { Guard } from '../guard.ts'

const UB = 'services/bsf/src/ub'
const UB_TEST = [`${UB}/bootstrapping.test.ts`]
const LIMITS_TEST = [`${UB}/limits.test.ts`]
const ZN = 'services/bsf/src/zn/bootstrapping-info.ts'
const ZN_TEST = ['services/bsf/src/zn/bootstrapping-info.test.ts']

/** Guards of the BSF, and of what the HSS keeps and tells for it. */
export const BSF_GUARDS: readonly Guard[] = [
  {
    name: 'bsf-sealed',
    file: 'services/bsf/src/records/sealed-records.ts',
    code: 'this.#sealer.seal(new Secret(octets), this.#contextOf(key))',
    without: 'Buffer.from(octets)',
    tests: UB_TEST,
  },
  {
    name: 'bsf-wrong-answers',
    file: `${UB}/limits.ts`,
    code: 'if (!this.#wrongAnswers.has(pairOf(impi, source)))',
    without: 'if (false)',
    tests: LIMITS_TEST,
  },
  {
    name: 'bsf-source-rate',
    file: `${UB}/limits.ts`,
    code: 'return this.#sources.take(source)',
    without: 'return this.#sources.take(source) || true',
    tests: LIMITS_TEST,
  },
  {
    name: 'bsf-outstanding',
    file: `${UB}/limits.ts`,
    code: 'if (this.#outstanding >= this.#outstandingMax) return false',
    without: '',
    tests: LIMITS_TEST,
  },
  {
    name: 'bsf-user-contexts',
    file: `${UB}/limits.ts`,
    code: "if (!this.#contexts.has(impi)) return 'user-contexts'",
    without: '',
    tests: LIMITS_TEST,
  },
  {
    name: 'bsf-gba-digest',
    file: `${UB}/bootstrapping.ts`,
    code: "hasToken(request.headers['user-agent'], GBA_DIGEST_TOKEN)",
    without: 'false',
    tests: UB_TEST,
  },
  {
    name: 'bsf-auth-int',
    file: `${UB}/authorization.ts`,
    code: "if (qop !== 'auth-int')",
    without: "if (qop !== 'auth-int' && qop !== 'auth' && qop !== undefined)",
    tests: UB_TEST,
  },
  {
    name: 'bsf-uri',
    file: `${UB}/authorization.ts`,
    code: 'if (uri !== target)',
    without: 'if (false)',
    tests: UB_TEST,
  },
  {
    name: 'bsf-one-auts',
    file: `${UB}/bootstrapping.ts`,
    code: ' || !(await pending.take())',
    without: '',
    tests: UB_TEST,
  },
  {
    name: 'bsf-resynchronisations',
    file: `${UB}/bootstrapping.ts`,
    code: 'if (count > RESYNCHRONISATIONS_MAX)',
    without: 'if (false)',
    tests: UB_TEST,
  },
  {
    name: 'bsf-response',
    file: `${UB}/bootstrapping.ts`,
    code: ' && sameDigest(expected, digest.response)',
    without: '',
    tests: UB_TEST,
  },
  {
    name: 'bsf-one-try',
    file: `${UB}/bootstrapping.ts`,
    code: 'await pending.take()',
    without: '',
    tests: UB_TEST,
  },
  {
    name: 'bsf-one-use',
    file: `${UB}/bootstrapping.ts`,
    code: 'if (!isNew)',
    without: 'if (false)',
    tests: UB_TEST,
  },
  {
    name: 'bsf-home',
    file: `${UB}/bootstrapping.ts`,
    code: 'if (isNew) ',
    without: '',
    tests: UB_TEST,
  },
  {
    name: 'bsf-own-challenge',
    file: `${UB}/bootstrapping.ts`,
    code: 'if (record.impi !== call.impi)',
    without: 'if (false)',
    tests: UB_TEST,
  },
  {
    name: 'zn-own-naf',
    file: ZN,
    code: 'if (!peer.dnsNames.includes(naf))',
    without: 'if (false)',
    tests: ZN_TEST,
  },
  {
    name: 'zn-gsids',
    file: ZN,
    code: 'request.gsids.filter((gsid) => context.nafs.mayAsk(naf, gsid))',
    without: 'request.gsids',
    tests: ZN_TEST,
  },
  {
    name: 'zn-impi',
    file: ZN,
    code: "context.nafs.knowsImpi(naf) ? impi : ''",
    without: 'impi',
    tests: ZN_TEST,
  },
  {
    name: 'zn-expired',
    file: ZN,
    code: 'if (Number(found.keyExpiryMs) <= context.clock.now())',
    without: 'if (false)',
    tests: ZN_TEST,
  },
  {
    name: 'guss-own-identities',
    file: 'services/hss/src/zh/guss.ts',
    code: '.filter((uid) => !isImpu(uid) || impus.includes(uid))',
    without: '',
    tests: ['services/hss/src/zh/zh.test.ts'],
  },
  {
    name: 'ha1-owner',
    file: 'services/hss/src/subscribers/digest-seal.ts',
    code: "[recordKey, impi, 'ha1', realm].join('/')",
    without: 'recordKey',
    tests: ['services/hss/src/digest/digest.test.ts'],
  },
  {
    name: 'backup-no-keys',
    file: 'packages/store/src/nats/nats-config.ts',
    code: 'if (expiring.length > 0)',
    without: 'if (false)',
    tests: ['packages/store/src/nats/nats-config.test.ts'],
  },
]
