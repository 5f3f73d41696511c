package schemas

// DecodeLocation reads an event of getLocation. Numbers may come as text.
// Longitude and latitude are required and must lie within ±180 and ±90; of the
// other numbers, one that is none counts as absent. Errors are a *Rejection.
func DecodeLocation(ev Event) (Location, error) {
	l := Location{CoordType: ev.CoordType}
	if l.CoordType == "" {
		l.CoordType = CoordUnknown
	}
	var longitude, latitude field
	fault := decodeObject(ev.Payload, func(r *jsonReader, name []byte) {
		switch string(name) {
		case "longitude":
			longitude = r.field()
		case "latitude":
			latitude = r.field()
		default:
			l.read(r, name)
		}
	})
	if fault != nil {
		return Location{}, fault
	}
	var err error
	if l.Longitude, err = longitude.degrees(180); err != nil {
		return Location{}, invalid("payload.longitude", err)
	}
	if l.Latitude, err = latitude.degrees(90); err != nil {
		return Location{}, invalid("payload.latitude", err)
	}
	return l, nil
}

func (l *Location) read(r *jsonReader, name []byte) {
	switch string(name) {
	case "city":
		l.City = r.str()
	case "province":
		l.Province = r.str()
	case "district":
		l.District = r.str()
	case "speed":
		l.Speed = r.field().optionalNumber()
	case "accuracy":
		l.Accuracy = r.field().optionalNumber()
	case "altitude":
		l.Altitude = r.field().optionalNumber()
	case "verticalAccuracy":
		l.VerticalAccuracy = r.field().optionalNumber()
	case "horizontalAccuracy":
		l.HorizontalAccuracy = r.field().optionalNumber()
	default:
		r.skip()
	}
}

func (f field) degrees(limit float64) (float64, error) {
	if !f.there {
		return 0, errMissing
	}
	n, ok := f.number()
	switch {
	case f.wrong || !ok:
		return 0, errNotNumber
	case n < -limit || n > limit:
		return 0, errOutOfRange
	}
	return n, nil
}
