//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/org"
)

// listRows is how many rows the imported list has.
const listRows = 100_000

// writeList writes an equipment list as an operator's office would: Japanese
// headers, 16 columns, CSV in UTF-8. from tells one list from the next.
func writeList(name string, from, rows int) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b := bufio.NewWriter(f)
	fmt.Fprintln(b, "識別子,種別,メーカー,製品名,型番,版,CPE,数量,重要な役務,区画,アドレス,運用者,設置場所,導入日,サポート終了日,備考")
	kinds := []string{"VPN装置", "ファイアウォール", "ルーター", "ロードバランサー", "認証サーバー", "データベース"}
	zones := []string{"インターネット接続", "DMZ", "内部", "制御系", "隔離"}
	for k := from; k < from+rows; k++ {
		fmt.Fprintf(b, "EQ-%07d,%s,架空電機%d株式会社,制御盤 KD-%d,M-%d,%d.%d.%d,cpe:2.3:h:example:device_%d:-:*:*:*:*:*:*:*,%d,役務%d,%s,10.%d.%d.%d,自社,第%d変電所,令和8年3月%d日,20%d/3/31,備考\n",
			k, kinds[k%len(kinds)], k%40, k%700, k%400, k%9, k%13, k%31, k%500, 1+k%3, k%20, zones[k%len(zones)], k>>16&255, k>>8&255, k&255, k%97, 1+k%28, 24+k%10)
	}
	return b.Flush()
}

// load imports a list as people do: preview, then apply.
func (w *world) load(ctx context.Context, name string, rows int) (preview, apply time.Duration, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	v, err := w.assets.PreviewImport(ctx, filepath.Base(name), f, info.Size(), true)
	if err != nil {
		return 0, 0, err
	}
	if v.Counts.Added != rows {
		return 0, 0, fmt.Errorf("the preview would add %d of %d rows", v.Counts.Added, rows)
	}
	preview = time.Since(began)
	began = time.Now()
	_, err = w.assets.ApplyImport(ctx, v.Token)
	return preview, time.Since(began), err
}

// importCost imports a list of 100,000 rows, from the file to the committed
// register. Its peak is that of the whole process.
func importCost(ctx context.Context, s setting) (f figures, err error) {
	w, err := openWorld(ctx, s.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	who, _, err := w.country(ctx)
	if err != nil {
		return nil, err
	}
	list := filepath.Join(w.dir, "list.csv")
	if err := writeList(list, 0, listRows); err != nil {
		return nil, err
	}
	preview, apply, err := w.load(who.ctx, list, listRows)
	return figures{"preview s": preview.Seconds(), "apply s": apply.Seconds(), "import s": (preview + apply).Seconds()}, err
}

// registers fills so many operators' registers that they hold s.equipment
// pieces together, each by imports of at most 100,000, and returns somebody of
// the last one.
func (w *world) registers(ctx context.Context, s setting, first person) (person, error) {
	who := first
	for from, n := 0, 0; from < s.equipment; n++ {
		if n > 0 {
			var err error
			if who, err = w.hire(ctx, 100+n, fmt.Sprintf("operator%d", n), org.Operator, gate.OperatorReporter, gate.OperatorAdmin); err != nil {
				return who, err
			}
		}
		rows := min(listRows, s.equipment-from)
		list := filepath.Join(w.dir, "list.csv")
		if err := writeList(list, from, rows); err != nil {
			return who, err
		}
		if _, _, err := w.load(who.ctx, list, rows); err != nil {
			return who, err
		}
		from += rows
	}
	return who, nil
}
