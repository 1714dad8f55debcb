import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '@sluice/test/tidy/source-files';

/** A panel of the dashboard, as far as it is looked at. */
export interface Panel {
  id: number;
  type: string;
  title: string;
  datasource?: { type: string; uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig?: { defaults: { unit?: string } };
  targets?: { expr: string; refId: string; datasource: { uid: string } }[];
}

/** The dashboard, as far as it is looked at. */
export interface Dashboard {
  uid: string;
  title: string;
  schemaVersion: number;
  templating: { list: { name: string; type: string; query: string | { query: string } }[] };
  panels: Panel[];
}

/** A rule for an alert. */
export interface AlertRule {
  alert: string;
  expr: string;
  /** Its text, with labels and annotations. */
  text: string;
}

const read = (path: string) => readFileSync(join(projectRoot, 'deploy', path), 'utf8');

export function readDashboard(): Dashboard {
  return JSON.parse(read('grafana/dashboards/sluice.json')) as Dashboard;
}

/** The rules, in the form that the file keeps: a query is on one line or folded. */
export function readAlerts(): AlertRule[] {
  const [, ...entries] = read('prometheus/alerts.yml').split(/^ {6}- alert: /m);
  return entries.map((text) => {
    const alert = /^\w+/.exec(text)![0];
    const [, inline] = /^ {8}expr: (?!>-)(.+)$/m.exec(text) ?? [];
    const [, folded] = /^ {8}expr: >-\n((?: {10,}.+\n)+)/m.exec(text) ?? [];
    return { alert, expr: (inline ?? folded ?? '').replaceAll(/\s+/g, ' ').trim(), text };
  });
}
