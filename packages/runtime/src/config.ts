import { z } from 'zod'
import * as field from './config-fields.ts'
import { fieldMeta } from './config-fields.ts'
import { editDistance } from './edit-distance.ts'
import { ConfigError, type ConfigProblem } from './errors.ts'

/** A name of ours this near to a known one is taken for a misspelling of it. */
const MISSPELT_LETTERS_MAX = 2
/** Of a wrong value this much is shown. */
const SHOWN_LETTERS_MAX = 80

/** Services whose settings may stand in an environment that several share: `ROLLCALL_<SERVICE>_…`. */
const SERVICES = ['HSS', 'SCSCF', 'PCSCF', 'PRESENCE', 'BSF', 'AP', 'CLI']

/** Names of ours that are read outside of a service's schema: by telemetry, the local runner, a deployment. */
const ALSO_KNOWN = ['ROLLCALL_SERVICE_NAME', 'ROLLCALL_DATA_DIR', 'ROLLCALL_INSTALL_RESULT']

/** What every service asks for. */
export const sharedShape = {
  ROLLCALL_REALM: field.domain({
    is: 'home network domain of the users',
    example: 'ims.mnc001.mcc001.3gppnetwork.org',
  }),
  ROLLCALL_TRUST_DOMAIN: field
    .domain({ is: 'SPIFFE trust domain that certificates are of', example: 'rollcall.test' })
    .default('rollcall.test'),
  ROLLCALL_NATS_URL: field.natsUrl({ is: 'where JetStream is', example: 'tls://127.0.0.1:14222' }),
  ROLLCALL_TLS_CERT_FILE: field.file({ is: 'own certificate, PEM', example: '/run/secrets/tls/tls.crt' }),
  ROLLCALL_TLS_KEY_FILE: field.file({ is: 'its private key, PEM', example: '/run/secrets/tls/tls.key' }),
  ROLLCALL_TLS_CA_FILE: field.file({ is: 'authorities of the trust domain, PEM', example: '/run/secrets/tls/ca.crt' }),
  ROLLCALL_GRPC_LISTEN: field.addressPort({ is: 'where peers reach this service', example: '127.0.0.1:17001' }),
  ROLLCALL_PROBE_LISTEN: field.addressPort({
    is: '/livez, /readyz and /metrics, plain HTTP without identities',
    example: '127.0.0.1:17101',
  }),
  ROLLCALL_LOG_LEVEL: field
    .oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      is: 'least level logged',
      example: 'info',
    })
    .default('info'),
  ROLLCALL_IDENTITY_HASH_KEY_FILE: field
    .file({
      is: 'key of identity hashes in logs and spans, 32 octets or more; without it they hold for one process only',
      example: '/run/secrets/identity-hash.key',
    })
    .optional(),
} satisfies z.ZodRawShape

/** What a shape's variables become. */
export type Config<S extends z.ZodRawShape> = z.infer<z.ZodObject<S>>

/**
 * Reads the settings named by `shape` from `env`. An empty value counts as none.
 *
 * A name of ours in `env` that is nearly one of the shape is refused as a misspelling; any other is left alone, for
 * orchestrators put names of their own making there.
 *
 * @throws ConfigError with every problem.
 */
export function loadConfig<S extends z.ZodRawShape>(o: {
  service: string
  shape: S
  env: NodeJS.ProcessEnv
}): Config<S> {
  const given: Record<string, string> = {}
  for (const name of Object.keys(o.shape)) {
    const value = o.env[name]
    if (value !== undefined && value !== '') given[name] = value
  }
  const result = z.object(o.shape).safeParse(given)
  const problems = [
    ...(result.success ? [] : valueProblems(o.shape, given, result.error)),
    ...nameProblems(o.service, o.shape, o.env),
  ]
  if (!result.success || problems.length > 0) throw new ConfigError(o.service, problems)
  return result.data as Config<S>
}

function valueProblems(
  shape: z.ZodRawShape,
  given: Readonly<Record<string, string>>,
  error: z.ZodError,
): ConfigProblem[] {
  const names = new Set(error.issues.map((issue) => String(issue.path[0])))
  return [...names].map((name) => {
    const schema = shape[name] as z.ZodType | undefined
    const meta = schema && fieldMeta(schema)
    const value = given[name]
    return {
      name,
      problem: value === undefined ? 'is not set' : `came as ${JSON.stringify(value.slice(0, SHOWN_LETTERS_MAX))}`,
      ...(meta ? { allowed: meta.allowed, example: meta.example } : {}),
    }
  })
}

function nameProblems(service: string, shape: z.ZodRawShape, env: NodeJS.ProcessEnv): ConfigProblem[] {
  const known = [...Object.keys(shape), ...ALSO_KNOWN]
  const own = service.toUpperCase()
  const problems: ConfigProblem[] = []
  for (const name of Object.keys(env).sort()) {
    if (!name.startsWith('ROLLCALL_') || known.includes(name)) continue
    if (SERVICES.some((other) => other !== own && name.startsWith(`ROLLCALL_${other}_`))) continue
    const meant = known.find((candidate) => editDistance(name, candidate, MISSPELT_LETTERS_MAX) <= MISSPELT_LETTERS_MAX)
    if (meant) problems.push({ name, problem: `is no setting of ${service}; is ${meant} meant?` })
  }
  return problems
}
