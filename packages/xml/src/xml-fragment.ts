import type { NamespaceBinding } from './namespace-scope.ts'
import type { XmlFragment } from './xml-scanner.ts'
import { escapeAttribute } from './xml-text.ts'

/** The octets of an element, with declarations put into its start tag. */
export function fragmentText(bytes: Buffer, fragment: XmlFragment, declarations: string): string {
  if (declarations === '') return bytes.toString('utf8', fragment.start, fragment.end)
  const name = bytes.toString('utf8', fragment.start, fragment.nameEnd)
  return name + declarations + bytes.toString('utf8', fragment.nameEnd, fragment.end)
}

/** A namespace declaration, as an attribute with a space before it. */
export function declarationText({ prefix, uri }: NamespaceBinding): string {
  return ` xmlns${prefix === '' ? '' : `:${prefix}`}="${escapeAttribute(uri)}"`
}
