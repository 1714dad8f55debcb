import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { projectRoot } from '@sluice/test/tidy/source-files';
import { registeredHandlers } from '@sluice/broker';
import { documentNames, generate } from './documents';
import { missingApis } from './missing-apis';

const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8');

const pagesIn = (folder: string) =>
  readdirSync(join(projectRoot, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));

const decisions = pagesIn('docs/decisions');
const pages = [...pagesIn('.'), ...pagesIn('docs'), ...decisions];

describe('the generated documents', () => {
  it.each(documentNames)('docs/%s is what npm run docs writes', async (name) => {
    expect(read(`docs/${name}`)).toBe(await generate(name));
  });
});

describe('the links of the documents', () => {
  it.each(pages)('%s: lead to files and headings that are there', (page) => {
    expect(linksOf(page).filter((link) => !leadsSomewhere(page, link))).toEqual([]);
  });

  it('leave no page of docs out of the README', () => {
    const linked = linksOf('README.md').map((link) => link.replace(/#.*/, ''));
    expect(pagesIn('docs').filter((page) => !linked.includes(page))).toEqual([]);
  });

  it('leave no decision out of their index', () => {
    const linked = linksOf('docs/decisions/README.md').map((link) => `docs/decisions/${link}`);
    const pagesOfIt = decisions.filter((page) => page !== 'docs/decisions/README.md');
    expect(pagesOfIt.filter((page) => !linked.includes(page))).toEqual([]);
  });
});

describe('the APIs that are not answered', () => {
  const missing = missingApis.flatMap(({ apis }) => Object.keys(apis).map(Number));

  it('are just those that no handler answers', () => {
    const answered = registeredHandlers().map(({ api }) => api.key);
    expect(missing.filter((key) => answered.includes(key))).toEqual([]);
    const all = [...answered, ...missing].sort((a, b) => a - b);
    expect(all).toEqual([...new Set(all)]);
    // 4 to 7, 52 to 56 and the like go between brokers and controllers.
    const internal = [
      4, 5, 6, 7, 52, 53, 54, 56, 58, 59, 62, 63, 67, 70, 73, 82, 83, 84, 85, 86, 87,
    ];
    const every = [...all, ...internal].sort((a, b) => a - b);
    expect(every).toEqual(Array.from({ length: 93 }, (_, key) => key));
  });
});

describe('what the documents name', () => {
  it.each(pages)('%s: npm scripts are in package.json', (page) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...read(page).matchAll(/npm (?:run ([\w:-]+)|(start|test)\b)/g)];
    const missing = named.map((match) => match[1] ?? match[2]!).filter((name) => !scripts[name]);
    expect(missing).toEqual([]);
  });

  it.each(pages)('%s: limits have the values that they have in the code', (page) => {
    const values = new Map<string, string[]>();
    for (const [, name, value] of read('docs/limits.md').matchAll(
      /^\| `(\w+)` +\| +([^|]+?) +\|/gm,
    )) {
      values.set(name!, [...(values.get(name!) ?? []), value!]);
    }
    const named = [
      ...read(page).matchAll(/`(\w+)`(?:, | \()(\d[\d,]*(?: (?:[KM]iB|ms|s|min|h)\b)?)/g),
    ];
    const wrong = named.filter(([, name, value]) => {
      const known = values.get(name!);
      return known !== undefined && !known.includes(value!.replace(/,$/, ''));
    });
    expect(wrong.map(([text]) => text)).toEqual([]);
  });

  it('docs/dependencies.md: every package of package.json, and no other', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
      'dependencies' | 'devDependencies',
      Record<string, string>
    >;
    const rows = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` +\|/gm)];
    const wanted = Object.keys({ ...dependencies, ...devDependencies });
    expect(rows.map((row) => row[1]!).sort()).toEqual(wanted.sort());
  });
});

/** Where the links of a page lead inside the project; links to elsewhere are not followed. */
function linksOf(page: string): string[] {
  const text = read(page).replace(/^```[\s\S]*?^```/gm, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1]!)
    .filter((link) => !/^[a-z]+:/.test(link));
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', heading] = link.split('#');
  const target = path === '' ? page : relative('.', join(dirname(page), path));
  if (!existsSync(join(projectRoot, target))) return false;
  return heading === undefined || headingsOf(target).includes(heading);
}

/** The anchors that readers of Markdown make of a page's headings. */
function headingsOf(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.+)$/gm)].map((match) =>
    match[1]!
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .trim()
      .replace(/\s/g, '-'),
  );
}
