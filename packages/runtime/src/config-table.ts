import type { z } from 'zod'
import { fieldDefault, fieldMeta } from './config-fields.ts'

/** The README's table of settings, Markdown, from the schema that reads them. */
export function renderConfigTable(shape: z.ZodRawShape): string {
  const rows = Object.entries(shape).map(([name, schema]) => {
    const meta = fieldMeta(schema as z.ZodType)
    const value = fieldDefault(schema as z.ZodType)
    const without = value === undefined ? (isOptional(schema as z.ZodType) ? 'none' : 'required') : `\`${value}\``
    return `| \`${name}\` | ${meta?.is ?? ''} | ${meta?.allowed ?? ''} | ${without} |`
  })
  return ['| setting | what it is | allowed | default |', '|---|---|---|---|', ...rows, ''].join('\n')
}

function isOptional(schema: z.ZodType): boolean {
  return schema.safeParse(undefined).success
}
