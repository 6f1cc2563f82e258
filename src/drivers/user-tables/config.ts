/** What tblctl.yaml says of a backend with user tables. */
import { z } from 'zod'

export const userTablesConfig = z.strictObject({
  hot: z.string().min(1).describe('SQLite file that holds the hot rows: .tblctl/people.db'),
  location: z
    .string()
    .refine((text) => text.includes('${user_id}'), 'must contain ${user_id}')
    .refine((text) => !text.replaceAll('${user_id}', '').includes('${'), '${user_id} is the only variable')
    .refine(
      (text) => !/^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) || /^file:/.test(text),
      'must begin with file: (a folder)',
    )
    .describe("Where each user's Parquet segments lie: file:./people/${user_id}/tables"),
  conf: z.string().min(1).optional().describe('Folder of the schema files; default: conf beside the hot store'),
})
export type UserTablesConfig = z.infer<typeof userTablesConfig>
