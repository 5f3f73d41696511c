package main

import (
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"doustream/cmd/doustream/config"
	"doustream/processors/notify"
)

const tokenHelp = `Show which of the platform's tokens notify holds, by app and kind, and until when
they live. With --show print the one token that --app and --kind name, and nothing
else: TOKEN=$(doustream token --app tt… --show). Mind where it goes.

It is read from the topic in which notify keeps it, sealed; nothing is fetched, since
a fetch would cut the life of the one that notify sends by. A token outlives its
successor's fetch by five minutes: ask again after four, or when it ends, or when
the platform refuses it. Services without the sealing keys ask a notify process of
their machine instead (DOUSTREAM_NOTIFY_TOKEN_ADDR).`

func (a *app) tokenCommand() *cobra.Command {
	var appID, kind string
	var show bool
	command := &cobra.Command{
		Use:   "token",
		Short: "Show the platform's tokens that notify holds, without fetching one",
		Long:  tokenHelp,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, log, err := a.load(config.Token)
			if err != nil {
				return err
			}
			book, err := readTokens(cmd.Context(), c, log)
			if err != nil {
				return err
			}
			good := slices.DeleteFunc(book.Good(time.Now()), func(t notify.HeldToken) bool {
				return appID != "" && t.AppID != appID || kind != "" && string(t.Kind) != kind
			})
			if err := book.Unread(); err != nil {
				log.Warn("not all tokens can be read", "error", err)
			}
			if show {
				return a.showToken(good)
			}
			return a.listTokens(good)
		},
	}
	command.Flags().StringVar(&appID, "app", "", "only this app's")
	command.Flags().StringVar(&kind, "kind", "", "only access_token, client_token or stable_client_token")
	command.Flags().BoolVar(&show, "show", false, "print the token itself")
	return command
}

func (a *app) showToken(good []notify.HeldToken) error {
	switch len(good) {
	case 0:
		return fmt.Errorf("show token: there is none that lives; notify fetches one while it runs")
	case 1:
		_, err := fmt.Fprintln(a.stdout, string(good[0].Token))
		return err
	}
	return fmt.Errorf("show token: there are %d; name one by --app and --kind", len(good))
}

func (a *app) listTokens(good []notify.HeldToken) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "APP\tKIND\tFETCHED\tEXPIRES")
	for _, t := range good {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", t.AppID, t.Kind, t.FetchedAt.UTC().Format(time.RFC3339), t.ExpiresAt.UTC().Format(time.RFC3339))
	}
	return w.Flush()
}
