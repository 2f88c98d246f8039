import { isIP } from 'node:net'
import { z } from 'zod'
import { ConfigError } from './errors.ts'
import { HOP_ROUTES_FORM, parseHopRoutes } from './hop/routes.ts'

/** What a person must know of a setting. It stands in error messages and in the README's table. */
export interface FieldText {
  /** What it does, one line. */
  readonly is: string
  readonly example: string
}

/** What the fields of this file carry besides; read by the error message and by the table. */
export interface FieldMeta extends FieldText {
  readonly allowed: string
}

const registry = z.registry<FieldMeta>()

/** What was said of a field made by this file. */
export function fieldMeta(schema: z.ZodType): FieldMeta | undefined {
  for (let inner: z.ZodType | undefined = schema; inner; inner = innerOf(inner)) {
    const meta = registry.get(inner)
    if (meta) return meta
  }
  return undefined
}

/** The default of a field, as it would be written in the environment. */
export function fieldDefault(schema: z.ZodType): string | undefined {
  const result = schema.safeParse(undefined)
  if (!result.success || result.data === undefined) return undefined
  return String(result.data)
}

function innerOf(schema: z.ZodType): z.ZodType | undefined {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return schema.unwrap() as z.ZodType
  return undefined
}

function field<T extends z.ZodType>(schema: T, allowed: string, text: FieldText): T {
  registry.add(schema, { ...text, allowed })
  return schema
}

/** A number written in decimal digits. */
function whole(min: number, max: number, unit: string, text: FieldText) {
  const schema = z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number)
    .refine((value) => value >= min && value <= max)
  return field(schema, `a whole number of ${unit}, ${min} to ${max}`, text)
}

/** Milliseconds; its setting's name ends in `_MS`. */
export function milliseconds(o: FieldText & { readonly min: number; readonly max: number }) {
  return whole(o.min, o.max, 'milliseconds', o)
}

/** Seconds; its setting's name ends in `_SECONDS`. */
export function seconds(o: FieldText & { readonly min: number; readonly max: number }) {
  return whole(o.min, o.max, 'seconds', o)
}

/** A number of things. */
export function count(o: FieldText & { readonly of: string; readonly min: number; readonly max: number }) {
  return whole(o.min, o.max, o.of, o)
}

/** `true` or `false`. */
export function flag(o: FieldText) {
  return field(
    z.enum(['true', 'false']).transform((value) => value === 'true'),
    'true or false',
    o,
  )
}

/** One of a few words. */
export function oneOf<const T extends readonly [string, ...string[]]>(values: T, o: FieldText) {
  return field(z.enum(values), values.join(', '), o)
}

/** A comma-separated list of a few words, in order. */
export function listOf<const T extends readonly [string, ...string[]]>(values: T, o: FieldText) {
  const one = z.enum(values)
  const schema = z
    .string()
    .transform((text) => text.split(',').map((word) => word.trim()))
    .pipe(z.array(one).min(1))
  return field(schema, `a comma-separated list of ${values.join(', ')}`, o)
}

/** Text that `pattern` matches as a whole; `allowed` says it in words. */
export function text(o: FieldText & { readonly pattern: RegExp; readonly allowed: string }) {
  return field(z.string().regex(o.pattern), o.allowed, o)
}

/** A domain name. */
export function domain(o: FieldText) {
  const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
  const schema = z
    .string()
    .max(253)
    .regex(new RegExp(`^${label}(?:\\.${label})*$`))
    .toLowerCase()
  return field(schema, 'a domain name', o)
}

/** An IP address. */
export function ipAddress(o: FieldText) {
  return field(
    z.string().refine((value) => isIP(value) !== 0),
    'an IPv4 or IPv6 address',
    o,
  )
}

/** `ADDRESS:PORT`, an IPv6 address in brackets. */
export function addressPort(o: FieldText) {
  return field(
    z.string().refine((value) => parseAddressPort(value) !== undefined),
    'ADDRESS:PORT, an IPv6 address in brackets',
    o,
  )
}

/** `HOST:PORT`, the host a name or an address. */
export function hostPort(o: FieldText) {
  return field(
    z.string().refine((value) => parseHostPort(value) !== undefined),
    'HOST:PORT, an IPv6 address in brackets',
    o,
  )
}

/** `HOST:PORT`, some of them with commas between: replicas of one service. */
export function hostPorts(o: FieldText) {
  const schema = z
    .string()
    .transform((text) => text.split(',').map((one) => one.trim()))
    .refine((targets) => targets.every((target) => parseHostPort(target) !== undefined))
  return field(schema, 'HOST:PORT, an IPv6 address in brackets; some of them with commas between', o)
}

/** A path to a file. Whether it can be read is found out where it is read. */
export function file(o: FieldText) {
  return field(
    z
      .string()
      .min(1)
      .max(4096)
      .refine((value) => !value.includes('\0')),
    'a path to a file',
    o,
  )
}

/** `tls://HOST:PORT`, some of them with commas between. */
export function natsUrl(o: FieldText) {
  const one = /^(?:tls|nats):\/\/(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}$/
  return field(
    z.string().refine((value) => value.split(',').every((url) => one.test(url.trim()))),
    'tls://HOST:PORT, some of them with commas between',
    o,
  )
}

/** `HOST=ROLE@HOST:PORT|HOST:PORT,…`: the hop's static next-hop table. */
export function hopRoutes(o: FieldText) {
  const schema = z.string().refine((value) => {
    try {
      parseHopRoutes(value)
      return true
    } catch (error) {
      if (error instanceof ConfigError) return false
      throw error
    }
  })
  return field(schema, HOP_ROUTES_FORM, o)
}

/** Reads `ADDRESS:PORT`. */
export function parseAddressPort(value: string): { address: string; port: number } | undefined {
  const parsed = parseHostPort(value)
  return parsed && isIP(parsed.host) !== 0 ? { address: parsed.host, port: parsed.port } : undefined
}

/** Reads `HOST:PORT`. */
export function parseHostPort(value: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]{1,253})):(\d{1,5})$/.exec(value)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || port > 65_535 || (match?.[1] !== undefined && isIP(host) !== 6)) return undefined
  return { host, port }
}
